package relay.redis.link;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import relay.redis.model.RedisTrouble;

/**
 * Logs calls that Redis refused: each reason when it first occurs, then at most once a minute. One
 * reason may affect every call.
 */
public final class RefusedCalls {
  private static final long REPEAT_NANOS = 60_000_000_000L;

  /** Maximum number of distinct reasons. */
  private static final int MAX_REASONS = 100;

  private final Consumer<String> log;
  private final LongSupplier nanoTime;
  private final Map<String, Long> loggedAt = new ConcurrentHashMap<>(); // in nanoseconds
  private final Map<RedisTrouble, Long> seenAt = new ConcurrentHashMap<>(); // in nanoseconds

  RefusedCalls(Consumer<String> log, LongSupplier nanoTime) {
    this.log = log;
    this.nanoTime = nanoTime;
  }

  /** Returns the error with what to do about it, and remembers the trouble. */
  public String explained(String why) {
    RedisTrouble trouble = RedisTrouble.of(why);
    if (trouble == null) {
      return why;
    }
    seenAt.put(trouble, nanoTime.getAsLong());
    return why + "; " + trouble.advice();
  }

  /** Redis may evict keys. */
  void evicts(String policy) {
    seenAt.put(RedisTrouble.EVICTION, nanoTime.getAsLong());
    log.accept("Redis has maxmemory-policy " + policy + "; " + RedisTrouble.EVICTION.advice());
  }

  /** Redis evicts no keys. */
  void keepsAll() {
    seenAt.remove(RedisTrouble.EVICTION);
  }

  /** What is wrong: the policy until it is another, all else for a minute. */
  public Set<RedisTrouble> troubles() {
    long now = nanoTime.getAsLong();
    Set<RedisTrouble> present = EnumSet.noneOf(RedisTrouble.class);
    seenAt.forEach(
        (trouble, at) -> {
          if (trouble == RedisTrouble.EVICTION || now - at < REPEAT_NANOS) {
            present.add(trouble);
          }
        });
    return present;
  }

  /**
   * Logs a refusal, unless the same one was logged within a minute.
   *
   * @param what the refused action; missing rights are logged once for all actions
   */
  void report(String what, Throwable refusal) {
    String why = String.valueOf(refusal.getMessage());
    String line =
        RedisTrouble.isMissingRights(why)
            ? "The Redis user lacks rights: " + explained(why)
            : "Redis refused " + what + ": " + explained(why);
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
