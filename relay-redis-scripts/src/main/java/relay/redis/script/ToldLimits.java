package relay.redis.script;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.function.Supplier;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;

/**
 * Answers whose limits are no news, and which still tell Redis something: whether the provider
 * refills its limits as buckets, and whether others use the account. They travel with the
 * heartbeats, so none costs a call. Of a group one travels in a fortieth of a window, but no sooner
 * than 250 ms after the last, from each replica. If one is lost with its heartbeat, later ones
 * follow. Thread-safe.
 */
public final class ToldLimits {
  private static final int MOST_GROUPS = 20_000;

  /** In one heartbeat: some two milliseconds of Redis. */
  private static final int MOST_AT_ONCE = 100;

  private static final int MOST_A_WINDOW = 40; // answers of a group
  private static final long LEAST_PAUSE_NANOS = 250_000_000L;

  private final LinkedHashMap<String, Long> last =
      new LinkedHashMap<>(); // nanoseconds, the oldest first
  private final LinkedHashMap<String, String> waiting = new LinkedHashMap<>(); // lines by group

  /** Notes an answer, if one of its group is due. {@code refill} is asked only then. */
  public void note(
      String group,
      long grantedMicros,
      Limits limits,
      Remaining remaining,
      Supplier<Refill> refill,
      Duration window,
      long nanos) {
    if (!limits.areKnown() || !claim(group, window, nanos)) {
      return;
    }
    String line = line(group, grantedMicros, limits, remaining, refill.get());
    synchronized (this) {
      if (waiting.size() < MOST_GROUPS) {
        waiting.put(group, line);
      }
    }
  }

  private synchronized boolean claim(String group, Duration window, long nanos) {
    Long before = last.get(group);
    long pauseNanos = Math.max(LEAST_PAUSE_NANOS, window.toNanos() / MOST_A_WINDOW);
    if (waiting.containsKey(group) || (before != null && nanos - before < pauseNanos)) {
      return false;
    }
    last.putLast(group, nanos);
    if (last.size() > MOST_GROUPS) {
      last.pollFirstEntry();
    }
    return true;
  }

  /** The part of the next heartbeat: a line an answer, each after a line feed. */
  public synchronized String take() {
    StringBuilder lines = new StringBuilder();
    for (int n = 0; n < MOST_AT_ONCE && !waiting.isEmpty(); n++) {
      lines.append('\n').append(waiting.pollFirstEntry().getValue());
    }
    return lines.toString();
  }

  /**
   * What an answer says of a group's limits, as the scripts read it.
   *
   * @param grantedMicros grant time of the answered request, on the pool's clock
   */
  public static String line(
      String group, long grantedMicros, Limits limits, Remaining remaining, Refill refill) {
    StringBuilder line = new StringBuilder(group).append(' ').append(grantedMicros);
    for (Dimension d : Dimension.values()) {
      line.append(' ').append(limits.of(d));
    }
    for (Dimension d : Dimension.values()) {
      append(line, remaining.of(d));
    }
    for (Dimension d : Dimension.values()) {
      append(line, refill.of(d));
    }
    return line.toString();
  }

  private static void append(StringBuilder line, long stated) {
    if (stated == Remaining.NOT_STATED) {
      line.append(" -");
    } else {
      line.append(' ').append(stated);
    }
  }
}
