package relay.redis.script;

import java.time.Instant;
import relay.redis.model.Names;

/**
 * Which configuration this process runs with, as it tells the others.
 *
 * @param hash {@code -} if it was not told
 * @param sinceMs when this process took it, milliseconds since 1970
 */
public record ConfigMark(String hash, long sinceMs) {
  public static final ConfigMark NONE = new ConfigMark("-", 0);

  /** `plan hash since_ms`, as scripts read it. */
  String line(long planId) {
    return planId + " " + hash + " " + sinceMs;
  }

  public static ConfigMark of(String hash, Instant since) {
    Names.check("configuration hash", hash);
    return new ConfigMark(hash, Math.max(0, since.toEpochMilli()));
  }
}
