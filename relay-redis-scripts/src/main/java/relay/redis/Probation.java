package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * Returns quarantined keys to use once the provider accepts them again. One replica at a time gets
 * the turn to probe a key. The pauses between turns double, up to thirty times the first.
 */
public final class Probation {
  private static final byte[] REAL_TIME = {};

  private final RedisLink link;
  private final RedisKeys keys;
  private final Supplier<KeyPool> pool;

  /**
   * @param pool the pool at the time of a restore
   */
  Probation(RedisLink link, EngineOptions options, String name, Supplier<KeyPool> pool) {
    this.link = link;
    keys = new RedisKeys(options.prefix(), name);
    this.pool = pool;
  }

  /**
   * Asks for a turn to probe a key. The future fails when Redis cannot be asked.
   *
   * @param ids of quarantined keys
   * @param first pause before the first turn of a key
   * @return the key to probe now, if one is due
   */
  public CompletableFuture<Optional<String>> turn(List<String> ids, Duration first) {
    byte[][] args = new byte[2 + ids.size()][];
    args[0] = REAL_TIME;
    args[1] = bytes(first.toMillis());
    for (int n = 0; n < ids.size(); n++) {
      args[2 + n] = bytes(ids.get(n));
    }
    return link.call(ScriptFile.PROBE, new byte[][] {keys.quarantine, keys.probes}, args)
        .thenApply(Reply::ofNamed);
  }

  /** Ends the quarantine of these keys only, not of the rest of their accounts. */
  public CompletableFuture<Void> restore(List<String> ids) {
    return pool.get().restoreKeys(ids);
  }
}
