package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The way back for keys that a provider refused. Of all replicas one at a time has the turn to ask
 * the provider about a key; the pauses between turns double, up to thirty times the first.
 */
public final class Probation {
  private static final byte[] REAL_TIME = {};

  private final RedisLink link;
  private final RedisKeys keys;
  private final Supplier<KeyPool> pool;

  /**
   * @param pool as it is when keys are restored
   */
  Probation(RedisLink link, EngineOptions options, String name, Supplier<KeyPool> pool) {
    this.link = link;
    keys = new RedisKeys(options.prefix(), name);
    this.pool = pool;
  }

  /**
   * Asks for a turn. The future fails when Redis could not be asked.
   *
   * @param ids of quarantined keys
   * @param first pause before the first turn of a key
   * @return the key whose turn it is, if any is due
   */
  public CompletableFuture<Optional<String>> turn(List<String> ids, Duration first) {
    byte[][] args = new byte[2 + ids.size()][];
    args[0] = REAL_TIME;
    args[1] = bytes(first.toMillis());
    for (int n = 0; n < ids.size(); n++) {
      args[2 + n] = bytes(ids.get(n));
    }
    return link.call(ScriptFile.PROBE, new byte[][] {keys.quarantine, keys.probes}, args)
        .thenApply(Reply::ofProbe);
  }

  /** Brings keys back into use, and nothing else of their accounts. */
  public CompletableFuture<Void> restore(List<String> ids) {
    return pool.get().restoreAlone(ids);
  }
}
