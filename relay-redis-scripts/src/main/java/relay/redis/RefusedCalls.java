package relay.redis;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Logs calls that Redis refused: each reason when it first occurs, then at most once a minute. One
 * reason may affect every call.
 */
final class RefusedCalls {
  private static final long REPEAT_NANOS = 60_000_000_000L;

  private static final String RIGHTS =
      "it needs +fcall +function|load +@read +@write +@connection +time, and the keys of"
          + " redis.prefix, as ~relay:*";

  /** Maximum number of distinct reasons. */
  private static final int MAX_REASONS = 100;

  private final Consumer<String> log;
  private final LongSupplier nanoTime;
  private final Map<String, Long> loggedAt = new ConcurrentHashMap<>(); // in nanoseconds

  RefusedCalls(Consumer<String> log, LongSupplier nanoTime) {
    this.log = log;
    this.nanoTime = nanoTime;
  }

  /**
   * Whether the error says that the Redis user lacks rights: for a call, a key, or a command in a
   * script. The message of the last kind changed from Redis 7.0 to 7.2.
   */
  static boolean isMissingRights(String why) {
    return why.startsWith("NOPERM ")
        || why.contains("ACL failure in script")
        || why.contains("The user executing the script");
  }

  /** Returns the error, with the rights that the user needs if it lacks any. */
  static String explained(String why) {
    return isMissingRights(why) ? why + "; " + RIGHTS : why;
  }

  /**
   * Logs a refusal, unless the same one was logged within a minute.
   *
   * @param what the refused action; missing rights are logged once for all actions
   */
  void report(String what, Throwable refusal) {
    String why = String.valueOf(refusal.getMessage());
    String line =
        isMissingRights(why)
            ? "The Redis user lacks rights: " + explained(why)
            : "Redis refused " + what + ": " + why;
    long now = nanoTime.getAsLong();
    if (loggedAt.size() >= MAX_REASONS) {
      loggedAt.clear();
    }
    Long when = loggedAt.putIfAbsent(line, now);
    if (when == null || (now - when >= REPEAT_NANOS && loggedAt.replace(line, when, now))) {
      log.accept(line);
    }
  }
}
