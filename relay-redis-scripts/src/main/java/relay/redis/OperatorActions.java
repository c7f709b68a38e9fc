package relay.redis;

import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import relay.redis.model.Quarantine;
import relay.redis.script.PoolScripts;

/**
 * What operators do to a pool's keys by hand, for all replicas. Each future fails when Redis cannot
 * be asked.
 */
public final class OperatorActions {
  private final PoolScripts scripts;

  OperatorActions(PoolScripts scripts) {
    this.scripts = scripts;
  }

  /** Cools one key down. */
  public CompletableFuture<Void> cooldown(String key, Duration howLong) {
    return scripts.cooldown("k:" + key, howLong, 0).thenAccept(reply -> {});
  }

  /** Quarantines one key. The reason replaces any other, so that no probe ends it. */
  public CompletableFuture<Void> quarantine(String key, String reason) {
    return scripts.standings().quarantineByOperator(List.of(key), reason);
  }

  /** The quarantines of these keys, in order. */
  public CompletableFuture<List<Quarantine>> quarantines(List<String> ids) {
    return scripts.standings().quarantines(ids);
  }

  /**
   * Ends the cooldown and quarantine of a key, and of its account's groups and other keys, because
   * they share the cause. The key may be another replica's, whose plan differs. The future also
   * fails, with {@link NoSuchElementException}, if no replica has the key.
   */
  public CompletableFuture<Void> restore(String key) {
    return scripts.standings().restoreAccountOf(key);
  }
}
