package relay.redis.walk;

import java.time.Instant;

/** A test's clock and the caller's ceiling for the pool's time, in microseconds. */
public record Clock(long given, long ceiling) {
  /** Redis's own clock. */
  public static final Clock OF_REDIS = new Clock(-1, 0);

  /** The pool's time, as its caller knows it. */
  public static Clock known(long given, long poolMicros) {
    return new Clock(given, poolMicros + 10_000);
  }

  /** The time of Redis, to the second. */
  Instant instant() {
    return Instant.ofEpochSecond(Math.max(0, given) / 1_000_000);
  }

  /** The time arguments of a script. */
  public String told() {
    return given < 0 ? "-" : Long.toString(given);
  }
}
