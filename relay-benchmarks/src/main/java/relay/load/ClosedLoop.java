package relay.load;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** A closed loop: each connection sends its next request after its answer. */
public final class ClosedLoop implements AutoCloseable, Driver.Events {
  private final Driver driver;
  private final long leastBytes;
  private Tally tally = new Tally();

  /**
   * Connects and sends the first requests.
   *
   * @param ports the servers' ports; connections are distributed in turn
   * @param requests what the connections send
   * @param leastBytes the minimum body length of a good answer
   */
  public ClosedLoop(List<Integer> ports, SentRequests requests, int connections, long leastBytes)
      throws IOException {
    this.driver = new Driver(ports, requests);
    this.leastBytes = leastBytes;
    try {
      for (int n = 0; n < connections; n++) {
        driver.dial(BodyPart.IGNORED).ask(System.nanoTime());
      }
    } catch (IOException e) {
      driver.close();
      throw e;
    }
  }

  /** Runs for a duration. Between two calls no answer is read, so no request is sent. */
  public Tally run(Duration time) throws IOException {
    tally = new Tally();
    driver.pollUntil(System.nanoTime() + time.toNanos(), this);
    return tally.end();
  }

  /** Runs until this many answers have arrived. */
  public Tally run(int answers) throws IOException {
    long patience = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    tally = new Tally();
    while (tally.count() < answers && System.nanoTime() - patience < 0) {
      driver.poll(patience, this);
    }
    return tally.end();
  }

  @Override
  public void answered(Connection connection) throws IOException {
    long now = System.nanoTime();
    AnswerReader answer = connection.answer();
    if (answer.status() != 200) {
      tally.fault("status " + answer.status());
    } else if (answer.bodyBytes() < leastBytes) {
      tally.fault("a short answer");
    } else {
      tally.add(now - connection.sinceNanos());
    }
    if (answer.closes()) {
      connection.close();
      driver.dial(BodyPart.IGNORED).ask(now);
    } else {
      connection.ask(now);
    }
  }

  @Override
  public void lost(Connection connection, String why) throws IOException {
    tally.fault(why);
    driver.dial(BodyPart.IGNORED).ask(System.nanoTime());
  }

  @Override
  public void close() throws IOException {
    driver.close();
  }
}
