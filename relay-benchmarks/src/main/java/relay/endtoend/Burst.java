package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.load.Tally;

/**
 * As many requests of a kind as a number of connections can carry, and what they cost.
 *
 * @param question what is asked
 * @param connections each asks again as soon as it has its answer
 */
record Burst(Question question, int connections) {
  private static final Duration BEGINNING = Duration.ofMillis(300);

  /** About the length of an event of the stand-in's. */
  private static final int EVENT_BYTES = 120;

  private static final int JSON_BYTES = 800;

  /** 2 KB, answered in one piece. */
  static Burst small() {
    return new Burst(Question.ofJson(2_048), 64);
  }

  /** 50 KB, answered in one piece. */
  static Burst large() {
    return new Burst(Question.ofJson(51_200), 32);
  }

  /** 2 KB, answered by 30 events, back to back. */
  static Burst events() {
    return new Burst(Question.ofEvents(2_048, 30), 32);
  }

  /** The same by another number of connections. */
  Burst connections(int number) {
    return new Burst(question, number);
  }

  /** What was measured. */
  record Measured(Cost cost, double perSecond) {}

  Measured measure(Stage stage, Duration time) throws IOException {
    long least = question.events() < 0 ? JSON_BYTES : (long) question.events() * EVENT_BYTES;
    try (ClosedLoop loop = new ClosedLoop(stage.ports(), question.bytes(), connections, least)) {
      loop.run(BEGINNING);
      Reading before = stage.read();
      Tally tally = loop.run(time).checked();
      Reading after = stage.read();
      return new Measured(after.since(before, tally.count()), tally.perSecond());
    }
  }
}
