package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.load.SentRequests;
import relay.load.Tally;

/**
 * A closed-loop load: one kind of request over a number of connections, with its cost.
 *
 * @param question the request
 * @param connections each sends the next request after its answer
 */
record Burst(Question question, int connections) {
  private static final Duration BEGINNING = Duration.ofMillis(300);

  /** The approximate length of a stand-in's event. */
  private static final int EVENT_BYTES = 120;

  private static final int JSON_BYTES = 800;

  /** 2 KB, with a JSON answer. */
  static Burst small() {
    return new Burst(Question.ofJson(2_048), 64);
  }

  /** 50 KB, with a JSON answer. */
  static Burst large() {
    return new Burst(Question.ofJson(51_200), 32);
  }

  /** 2 KB, with an answer of 30 events back to back. */
  static Burst events() {
    return new Burst(Question.ofEvents(2_048, 30), 32);
  }

  /** The same load with another number of connections. */
  Burst connections(int number) {
    return new Burst(question, number);
  }

  /** The result of a measurement. */
  record Measured(Cost cost, double perSecond) {

    /** Cells of a table: Relay, Redis, calls of scripts, commands of Redis; medians of runs. */
    static String cells(List<Measured> runs) {
      DoubleSummaryStatistics relay =
          runs.stream().mapToDouble(run -> run.cost().relayMicros()).summaryStatistics();
      return String.format(
          Locale.ROOT,
          "%.1f (%.1f to %.1f) | %.1f | %.2f | %.1f",
          Median.of(runs, run -> run.cost().relayMicros()),
          relay.getMin(),
          relay.getMax(),
          Median.of(runs, run -> run.cost().redisMicros()),
          Median.of(runs, run -> run.cost().functionCalls()),
          Median.of(runs, run -> run.cost().commands()));
    }

    /** The most that other processes took of the machine during a run, in percent. */
    static double strangers(Stream<Measured> runs) {
      return 100 * runs.mapToDouble(run -> run.cost().strangers()).max().orElseThrow();
    }
  }

  Measured measure(Stage stage, Duration time) throws IOException {
    long least = question.events() < 0 ? JSON_BYTES : (long) question.events() * EVENT_BYTES;
    SentRequests requests = stage.requests(question);
    try (ClosedLoop loop = new ClosedLoop(stage.ports(), requests, connections, least)) {
      loop.run(BEGINNING);
      Reading before = stage.read();
      Tally tally = loop.run(time).checked();
      Reading after = stage.read();
      return new Measured(after.since(before, tally.count()), tally.perSecond());
    }
  }
}
