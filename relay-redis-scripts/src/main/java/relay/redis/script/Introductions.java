package relay.redis.script;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * What replicas tell of themselves, for people to see. It travels with each fifth heartbeat of a
 * pool, and so does what the others told: no call is made for it. More than 48 replicas tell it
 * less often, so that all of them together do 20 times a second at most. Thread-safe.
 */
public final class Introductions {
  private static final long EVERY_NANOS = 2_400_000_000L;
  private static final long EACH_NANOS = 50_000_000L; // of a replica's
  private static final long LATE_NANOS = 5_000_000_000L;

  /** The script refuses a longer line. */
  static final int MOST_CHARACTERS = 200;

  private final Map<String, Heard> byPool = new ConcurrentHashMap<>();
  private final Map<String, Long> told = new ConcurrentHashMap<>(); // nanoseconds, by pool
  private volatile Supplier<String> own = () -> "";

  /**
   * What a pool's last heartbeat told.
   *
   * @param alive ids, separated by blanks
   * @param lines {@code id words}, each after a line feed, as of the last heartbeat that had them
   */
  private record Heard(long nanos, String alive, String lines) {
    long replicas() {
      return alive.chars().filter(c -> c == ' ').count() + 1;
    }
  }

  /** Others see these words from now on. */
  public void own(Supplier<String> words) {
    own = words;
  }

  /** The part of a pool's heartbeat: a blank and this replica's words, or nothing. */
  String due(String pool, long nanos) {
    Long before = told.get(pool);
    Heard heard = byPool.get(pool);
    long pause = Math.max(EVERY_NANOS, heard == null ? 0 : EACH_NANOS * heard.replicas());
    if (before != null && nanos - before < pause) {
      return "";
    }
    String words = own.get().replaceAll("[^ -~]", "?");
    if (!words.isBlank()) {
      told.put(pool, nanos);
    }
    return words.isBlank()
        ? ""
        : " " + words.substring(0, Math.min(MOST_CHARACTERS, words.length()));
  }

  /**
   * A survey's reply.
   *
   * @param replicas ids of those alive, separated by blanks, and with some replies a line of each
   */
  void heard(String pool, String replicas, long nanos) {
    int end = replicas.indexOf('\n');
    byPool.compute(
        pool,
        (_, before) ->
            end >= 0
                ? new Heard(nanos, replicas.substring(0, end), replicas.substring(end))
                : new Heard(nanos, replicas, before == null ? "" : before.lines()));
  }

  /** The pool is no longer in use. */
  public void forget(String pool) {
    byPool.remove(pool);
    told.remove(pool);
  }

  /**
   * The words of each replica that is alive, by its id; empty if it told none. A replica is in the
   * pools of its own configuration only. One pool may be cut off alone: what it heard is old then.
   */
  public Map<String, String> all() {
    Collection<Heard> heard = byPool.values();
    long newest = heard.stream().mapToLong(Heard::nanos).max().orElse(0);
    Map<String, String> all = new TreeMap<>();
    for (Heard one : heard) {
      if (newest - one.nanos() < LATE_NANOS) {
        for (String id : one.alive().split(" ", -1)) {
          if (!id.isEmpty()) {
            String words = words(one.lines(), id);
            all.merge(id, words, (before, next) -> next.isEmpty() ? before : next);
          }
        }
      }
    }
    return all;
  }

  private static String words(String lines, String id) {
    int from = lines.indexOf("\n" + id + " ");
    if (from < 0) {
      return "";
    }
    int end = lines.indexOf('\n', from + 1);
    return lines.substring(from + id.length() + 2, end < 0 ? lines.length() : end);
  }
}
