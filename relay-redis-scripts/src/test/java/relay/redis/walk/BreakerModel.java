package relay.redis.walk;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;

/** A provider's breaker, in the model: times in milliseconds of Redis's own clock. */
final class BreakerModel {
  private static final long COUNTED_MS = 10_000;
  private static final long LEAST_FAILURES = 10;
  private static final long FIRST_PAUSE_MS = 2_000;
  private static final long LONGEST_MS = 60_000;
  private static final long TRIAL_MS = 30_000;
  private static final int MOST_SOURCES = 64;

  /** In the order of the replies' numbers. */
  private enum State {
    CLOSED,
    OPEN,
    HALF_OPEN
  }

  /** The failures and successes of one source. */
  private record Counts(long failures, long successes) {
    Counts plus(Counts more) {
      return new Counts(failures + more.failures, successes + more.successes);
    }
  }

  /**
   * The breaker's state.
   *
   * @param opened times it opened in a row
   * @param tries the replica that runs the trial, empty if none does
   */
  private record Standing(
      State state,
      long failures,
      long successes,
      long sinceMs,
      long untilMs,
      long opened,
      String tries,
      Map<String, Counts> sources) {

    static final Standing NEW = new Standing(State.CLOSED, 0, 0, 0, 0, 0, "", Map.of());

    Standing counting(BreakerStep report) {
      Map<String, Counts> parts = new HashMap<>(sources);
      for (BreakerStep.Source source : report.sources()) {
        if (parts.containsKey(source.name()) || parts.size() < MOST_SOURCES) {
          parts.merge(
              source.name(), new Counts(source.failures(), source.successes()), Counts::plus);
        }
      }
      return new Standing(
          state,
          failures + report.failures(),
          successes + report.successes(),
          sinceMs,
          untilMs,
          opened,
          tries,
          parts);
    }

    /** Whether most requests failed, in all and without any one source. */
    boolean failing() {
      return failures >= LEAST_FAILURES
          && failures >= successes
          && sources.values().stream()
              .allMatch(part -> failures - part.failures() >= successes - part.successes());
    }

    /** Forgets all counts up to now. */
    Standing from(long now) {
      return new Standing(state, 0, 0, now, untilMs, opened, tries, Map.of());
    }

    Standing until(State next, long ms, String caller) {
      return new Standing(next, failures, successes, sinceMs, ms, opened, caller, sources);
    }

    /** A pause, twice as long as the last one. */
    Standing opening(long now) {
      long pause = Math.min(LONGEST_MS, FIRST_PAUSE_MS << Math.min(opened, 5));
      return new Standing(
          State.OPEN, failures, successes, sinceMs, now + pause, opened + 1, "", Map.of());
    }

    /** The state as a clock behind the writer's must read it. */
    Standing seenAt(long now) {
      return new Standing(
          state,
          failures,
          successes,
          Math.min(sinceMs, now),
          Math.min(untilMs, now + LONGEST_MS),
          opened,
          tries,
          sources);
    }
  }

  private static final List<State> STATES = List.of(State.values());

  private Standing standing = Standing.NEW;
  private boolean isStored;

  void flushAll() {
    standing = Standing.NEW;
    isStored = false;
  }

  /** The replica that runs the trial; empty if none. */
  String tries() {
    return standing.tries();
  }

  /** The times, in microseconds, at which answers may change without a call. */
  LongStream moments() {
    return LongStream.of(1000 * standing.untilMs(), 1000 * (standing.sinceMs() + COUNTED_MS));
  }

  List<Object> report(long now, BreakerStep report) {
    Standing before = standing.seenAt(now);
    Standing after = after(before, now, report);
    boolean moved = before.state() != State.CLOSED && !after.equals(before);
    boolean allowed = moved && report.probe().equals("ask");
    if (moved || report.failures() + report.successes() > 0) { // else only a read
      standing = after;
      isStored = true;
    }
    long wait = Math.max(0, after.untilMs() - now);
    return List.of(1L, (long) STATES.indexOf(after.state()), wait, allowed ? 1L : 0L);
  }

  private static Standing after(Standing before, long now, BreakerStep report) {
    if (before.state() == State.CLOSED) {
      Standing counted =
          (now - before.sinceMs() >= COUNTED_MS ? before.from(now) : before).counting(report);
      return counted.failing() ? counted.opening(now) : counted;
    }
    boolean holder = report.caller().equals(before.tries());
    return switch (report.probe()) {
      case "good" -> new Standing(State.CLOSED, 0, 0, now, 0, 0, "", Map.of());
      case "bad" -> holder ? before.opening(now) : before;
      case "back" -> holder ? before.until(State.OPEN, now, "") : before;
      case "ask" ->
          before.untilMs() <= now
              ? before.until(State.HALF_OPEN, now + TRIAL_MS, report.caller())
              : before;
      default -> before;
    };
  }

  /** The breaker's hash in Redis. */
  Map<String, String> stored() {
    if (!isStored) {
      return Map.of();
    }
    Map<String, String> fields = new HashMap<>();
    fields.put("state", standing.state().name().toLowerCase(Locale.ROOT));
    fields.put("failures", Long.toString(standing.failures()));
    fields.put("successes", Long.toString(standing.successes()));
    fields.put("since_ms", Long.toString(standing.sinceMs()));
    fields.put("until_ms", Long.toString(standing.untilMs()));
    fields.put("opened", Long.toString(standing.opened()));
    fields.put("tries", standing.tries());
    standing
        .sources()
        .forEach(
            (name, part) -> {
              fields.put("failures " + name, Long.toString(part.failures()));
              fields.put("successes " + name, Long.toString(part.successes()));
            });
    return fields;
  }
}
