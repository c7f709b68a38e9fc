package relay.attack;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The replica that is attacked, until a moment; and what its attackers got. */
final class Target {
  static final String ATTACKER = "the-key-of-an-attacker";

  /** The key of a client with three requests a minute. */
  static final String LIMITED = "the-key-of-a-limited-client";

  static final String MODEL = "claude-sonnet-4-5";
  static final String MODEL_OF_BROKEN_TLS = "broken-tls";

  private final int port;
  private final int adminPort;
  private final LogReader log;
  private final long untilNanos;
  private final Map<String, Map<String, Integer>> outcomes = new ConcurrentHashMap<>();

  Target(int port, int adminPort, LogReader log, long untilNanos) {
    this.port = port;
    this.adminPort = adminPort;
    this.log = log;
    this.untilNanos = untilNanos;
  }

  int port() {
    return port;
  }

  int adminPort() {
    return adminPort;
  }

  /** The reader of the replica's log. */
  LogReader log() {
    return log;
  }

  boolean isOver() {
    return System.nanoTime() - untilNanos >= 0;
  }

  /** Waits, at most until the end of the run. */
  void pause(long millis) {
    long until =
        Math.min(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis) - untilNanos, 0)
            + untilNanos;
    for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
      LockSupport.parkNanos(this, left);
    }
  }

  /** Counts something that happened to an attacker. */
  void happened(String part, String what) {
    outcomes.computeIfAbsent(part, _ -> new ConcurrentHashMap<>()).merge(what, 1, Integer::sum);
  }

  /** What happened to the attackers of a part, and how often. */
  Map<String, Integer> outcomes(String part) {
    return new TreeMap<>(outcomes.getOrDefault(part, Map.of()));
  }
}
