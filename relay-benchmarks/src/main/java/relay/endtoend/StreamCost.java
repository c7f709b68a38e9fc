package relay.endtoend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import relay.load.OpenStreams;
import relay.load.Question;
import relay.load.Tally;

/**
 * The cost of many open streams.
 *
 * @param streams concurrent streams
 * @param served those that delivered events
 * @param early those that ended early
 * @param eventsPerSecond events received per second, over all streams
 * @param microsPerEvent Relay's processor time per event
 * @param kibPerStream additional resident memory per stream
 * @param delayMedianMillis median time from the stand-in's write to the driver's read
 * @param delayP99Millis 99th percentile of the same
 */
record StreamCost(
    int streams,
    int served,
    int early,
    double eventsPerSecond,
    double microsPerEvent,
    double kibPerStream,
    double delayMedianMillis,
    double delayP99Millis) {
  private static final int EVENTS_PER_SECOND = 10_000;
  private static final Duration SETTLE = Duration.ofSeconds(1);
  private static final Duration TIME = Duration.ofSeconds(5);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

  /** More events than the measurement needs. */
  private static final int EVENTS = 5_000;

  /**
   * Measures.
   *
   * @param startsPerSecond how fast the streams are opened
   */
  static StreamCost measure(Stage stage, MeasuredReplica replica, int streams, int startsPerSecond)
      throws IOException {
    collect(replica);
    long without = Processes.residentKib(replica.pid());
    Question question =
        new Question(2_048, EVENTS, Math.max(1, 1_000L * streams / EVENTS_PER_SECOND));
    try (OpenStreams open =
        new OpenStreams(replica.port(), question.bytes(), streams, startsPerSecond)) {
      open.run(SETTLE);
      Reading before = stage.read();
      Tally tally = open.run(TIME);
      Reading after = stage.read();
      Thread collects = Thread.ofPlatform().start(() -> collect(replica));
      while (collects.isAlive()) {
        open.run(LOOK_AGAIN); // read in between: unread answers would occupy memory
      }
      long with = Processes.residentKib(replica.pid());
      return new StreamCost(
          streams,
          open.started(),
          open.ended(),
          tally.perSecond(),
          after.since(before, tally.count()).relayMicros(),
          (double) (with - without) / streams,
          tally.latencies().millis(0.5),
          tally.latencies().millis(0.99));
    }
  }

  /** Returns this if all streams were served: other figures are not valid. */
  StreamCost checked() {
    if (served < streams || early > 0) {
      throw new IllegalStateException(
          served + " of " + streams + " streams began, " + early + " ended early");
    }
    return this;
  }

  private static void collect(MeasuredReplica replica) {
    try {
      Processes.collect(replica.pid());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
