package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import relay.redis.estimate.ModelTally;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.script.PoolScripts;

/**
 * Shares a pool's {@link Estimates} with the other replicas. New samples are merged in Redis once a
 * second; all models are read at the start and every ten seconds. One call at a time.
 */
final class EstimateExchange {
  private static final int TICKS_PER_SEND = 2;
  private static final int TICKS_PER_READ_ALL = 20;

  private final PoolScripts scripts;
  private final Estimates estimates;
  private final AtomicBoolean inFlight = new AtomicBoolean();
  private int ticks; // guarded by inFlight

  EstimateExchange(PoolScripts scripts) {
    this.scripts = scripts;
    estimates = new Estimates(() -> scripts.plan().window());
  }

  Estimates estimates() {
    return estimates;
  }

  /** Called twice a second while Redis answers. */
  void tick() {
    if (!inFlight.compareAndSet(false, true)) {
      return;
    }
    boolean all = ticks % TICKS_PER_READ_ALL == 0;
    boolean some = ticks++ % TICKS_PER_SEND == 0;
    Map<String, ModelTally> sent = some ? estimates.send() : Map.of();
    if (!all && sent.isEmpty()) {
      inFlight.set(false);
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
                  inFlight.set(false);
                });
  }

  private void failed(Map<String, ModelTally> sent, Throwable failure) {
    ticks = 0; // read all models when Redis is back
    switch (failure) {
      case RedisGoneException _ -> estimates.notSent(sent);
      case RedisCommandExecutionException refused -> {
        scripts.reportRefusal("to merge estimates", refused);
        estimates.notSent(sent);
      }
      default -> estimates.outcomeUnknown(sent);
    }
  }
}
