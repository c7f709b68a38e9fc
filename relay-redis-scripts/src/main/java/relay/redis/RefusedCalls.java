package relay.redis;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Tells of calls that Redis refused: of each reason when it is new, then at most once a minute. It
 * may be in the way of all calls.
 */
final class RefusedCalls {
  private static final long AGAIN_NANOS = 60_000_000_000L;

  private static final String RIGHTS =
      "it needs +fcall +function|load +@read +@write +@connection +time, and the keys of"
          + " redis.prefix, as ~relay:*";

  /** Reasons that are told apart. */
  private static final int MOST = 100;

  private final Consumer<String> tell;
  private final LongSupplier nanoTime;
  private final Map<String, Long> told = new ConcurrentHashMap<>(); // when, in nanoseconds

  RefusedCalls(Consumer<String> tell, LongSupplier nanoTime) {
    this.tell = tell;
    this.nanoTime = nanoTime;
  }

  /**
   * Whether Redis lets its user do too little, in its own words: of a call, of a key, of a command
   * in a script; those of the latter have changed from Redis 7.0 to 7.2.
   */
  static boolean isOfRights(String why) {
    return why.startsWith("NOPERM ")
        || why.contains("ACL failure in script")
        || why.contains("The user executing the script");
  }

  /** Likewise with what the user needs, if that is why. */
  static String explained(String why) {
    return isOfRights(why) ? why + "; " + RIGHTS : why;
  }

  /**
   * Tells of one, if it is time to.
   *
   * @param what was refused; missing rights are told once for all
   */
  void add(String what, Throwable refusal) {
    String why = String.valueOf(refusal.getMessage());
    String line =
        isOfRights(why)
            ? "Redis does not let its user do this: " + explained(why)
            : "Redis refused " + what + ": " + why;
    long now = nanoTime.getAsLong();
    if (told.size() >= MOST) {
      told.clear();
    }
    Long when = told.putIfAbsent(line, now);
    if (when == null || (now - when >= AGAIN_NANOS && told.replace(line, when, now))) {
      tell.accept(line);
    }
  }
}
