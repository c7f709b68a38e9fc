package relay.load;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Many concurrent streams, each with an event now and then. */
public final class OpenStreams implements AutoCloseable, Driver.Events {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Driver driver;
  private Tally tally = new Tally();
  private int started;
  private int ended;

  /** Opens the streams at a limited rate, and waits for some time until all deliver events. */
  public OpenStreams(int port, byte[] request, int streams, int startsPerSecond)
      throws IOException {
    driver = new Driver(List.of(port), SentRequests.of(request));
    long begin = System.nanoTime();
    for (int n = 0; n < streams; n++) {
      long due = begin + 1_000_000_000L * n / startsPerSecond;
      do {
        driver.poll(due, this);
      } while (System.nanoTime() - due < 0);
      driver.dial(new FirstSeen()).ask(due);
    }
    long patience = System.nanoTime() + PATIENCE.toNanos();
    while (started + ended < streams && System.nanoTime() - patience < 0) {
      driver.poll(System.nanoTime() + 10_000_000, this);
    }
  }

  /** The streams that have delivered an event. */
  public int started() {
    return started;
  }

  /** The streams that have ended before their last event. */
  public int ended() {
    return ended;
  }

  /** A stream. It counts as started with its first event. */
  private final class FirstSeen implements BodyPart {
    private final Stamps stamps = new Stamps(this::event);
    private boolean seen;

    @Override
    public void see(byte[] bytes, int from, int to) {
      stamps.see(bytes, from, to);
    }

    private void event(long ageNanos) {
      tally.add(ageNanos);
      started += seen ? 0 : 1;
      seen = true;
    }
  }

  /** Reads events for a duration. */
  public Tally run(Duration time) throws IOException {
    tally = new Tally();
    driver.pollUntil(System.nanoTime() + time.toNanos(), this);
    return tally.end();
  }

  @Override
  public void answered(Connection connection) {
    ended++;
    tally.fault(
        connection.answer().status() == 200
            ? "a stream that ended"
            : "status " + connection.answer().status());
  }

  @Override
  public void lost(Connection connection, String why) {
    ended++;
    tally.fault(why);
  }

  @Override
  public void close() throws IOException {
    driver.close();
  }
}
