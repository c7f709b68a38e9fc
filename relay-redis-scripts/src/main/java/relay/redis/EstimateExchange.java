package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Shares a pool's {@link Estimates} with the other replicas: once a second what was learned is
 * merged in Redis, and every ten seconds, and first of all, everything is read. One call at a time.
 */
final class EstimateExchange {
  private static final int TICKS_TO_SEND = 2;
  private static final int TICKS_TO_READ_ALL = 20;

  private final PoolScripts scripts;
  private final Estimates estimates = new Estimates();
  private final AtomicBoolean busy = new AtomicBoolean();
  private int ticks; // guarded by busy

  EstimateExchange(PoolScripts scripts) {
    this.scripts = scripts;
  }

  Estimates estimates() {
    return estimates;
  }

  /** Called twice a second while Redis answers. */
  void tick() {
    if (!busy.compareAndSet(false, true)) {
      return;
    }
    boolean all = ticks % TICKS_TO_READ_ALL == 0;
    boolean some = ticks++ % TICKS_TO_SEND == 0;
    Map<String, ModelTally> sent = some ? estimates.send() : Map.of();
    if (!all && sent.isEmpty()) {
      busy.set(false);
      return;
    }
    var _ =
        scripts
            .learn(all, sent)
            .whenComplete(
                (known, failure) -> {
                  if (failure == null) {
                    estimates.merged(sent, known);
                  } else {
                    failed(sent, RedisLink.cause(failure));
                  }
                  busy.set(false);
                });
  }

  private void failed(Map<String, ModelTally> sent, Throwable failure) {
    ticks = 0; // all is read when Redis is back
    switch (failure) {
      case RedisGoneException _ -> estimates.unsent(sent);
      case RedisCommandExecutionException refused -> {
        scripts.refused("to merge estimates", refused);
        estimates.unsent(sent);
      }
      default -> estimates.lost(sent);
    }
  }
}
