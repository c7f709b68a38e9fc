package relay.admin;

import java.util.ArrayDeque;
import java.util.Deque;
import relay.metrics.ReplicaTotals.Answers;
import relay.pool.ReplicaLine;

/** What this replica answered a second, in the last ten seconds. Not thread-safe. */
final class AnswerRates {
  /** Readings are two seconds apart. */
  private static final int READINGS = 6;

  private record Reading(long ms, Answers answers) {}

  private final Deque<Reading> readings = new ArrayDeque<>();

  void add(Answers answers, long nowMs) {
    readings.add(new Reading(nowMs, answers));
    if (readings.size() > READINGS) {
      readings.remove();
    }
  }

  /** There must have been a reading. */
  ReplicaLine line(ReplicaIdentity identity, String mode) {
    Reading first = readings.getFirst();
    Reading last = readings.getLast();
    Answers now = last.answers();
    Answers before = first.answers();
    long ms = last.ms() - first.ms();
    return new ReplicaLine(
        identity.name(),
        identity.version(),
        identity.startedMs(),
        mode,
        rate(now.requests() - before.requests(), ms),
        rate(now.refusedByRelay() - before.refusedByRelay(), ms),
        rate(now.failures() - before.failures(), ms),
        now.inflight());
  }

  /** A reload may forget counters. */
  private static double rate(long count, long ms) {
    return ms > 0 && count > 0 ? 1000.0 * count / ms : 0;
  }
}
