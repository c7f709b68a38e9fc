package relay.redis.walk;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** Turns to probe keys, in the model: milliseconds of Redis's own clock. */
final class ProbationModel {
  private static final long HALF_AN_HOUR_MS = 1_800_000;
  private static final long FORGOTTEN_MS = 3_600_000;

  private record Turn(long tries, long nextMs) {}

  private final OutageModel outages;
  private final Map<String, Turn> turns = new TreeMap<>();

  ProbationModel(OutageModel outages) {
    this.outages = outages;
  }

  void flushAll() {
    turns.clear();
  }

  /** The times, in microseconds, at which answers may change without a call. */
  LongStream moments() {
    return turns.values().stream()
        .mapToLong(Turn::nextMs)
        .flatMap(next -> LongStream.of(1000 * next, 1000 * (next + FORGOTTEN_MS + 1)));
  }

  List<Object> turn(long now, long firstMs, List<String> ids) {
    for (String id : ids) {
      if (outages.reason(id) != null && isTurn(now, firstMs, id)) {
        return List.of(1L, id);
      }
    }
    return List.of(1L);
  }

  private boolean isTurn(long now, long firstMs, String id) {
    Turn turn = turns.get(id);
    if (turn == null || isOfAnotherTime(turn, now, firstMs)) {
      turns.put(id, new Turn(0, now + firstMs));
      return false;
    }
    if (now < turn.nextMs()) {
      return false;
    }
    long tries = turn.tries() + 1;
    long pause = Math.min(longest(firstMs), firstMs << Math.min(tries, 10));
    turns.put(id, new Turn(tries, now + pause));
    return true;
  }

  private static long longest(long firstMs) {
    return Math.min(180 * firstMs, Math.max(HALF_AN_HOUR_MS, 30 * firstMs));
  }

  /** The record is of a quarantine long ago, or from a clock that was ahead. */
  private static boolean isOfAnotherTime(Turn turn, long now, long firstMs) {
    return turn.nextMs() < now - FORGOTTEN_MS || turn.nextMs() > now + longest(firstMs);
  }

  /** The record in Redis. */
  Map<String, String> stored() {
    Map<String, String> stored = new TreeMap<>();
    turns.forEach(
        (id, turn) -> stored.put(id, "tries " + turn.tries() + " next_ms " + turn.nextMs()));
    return stored;
  }
}
