package relay.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * An open loop: requests at fixed times, independent of earlier answers. Latency counts from a
 * request's due time, so a stalling server cannot hide it (no coordinated omission). One thread
 * sends, another reads.
 */
public final class OpenLoop implements AutoCloseable, Driver.Events {
  private static final int CONNECTIONS = 64;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Driver driver;
  private final Deque<Connection> idle = new ArrayDeque<>();
  private final Deque<Long> late =
      new ArrayDeque<>(); // due times of requests without a free connection
  private Tally tally = new Tally();
  private long recordFromNanos;
  private int open;

  /** Connects. */
  public OpenLoop(int port, byte[] request) throws IOException {
    driver = new Driver(List.of(port), SentRequests.of(request));
    for (; open < CONNECTIONS; open++) {
      idle.push(driver.dial(BodyPart.IGNORED));
    }
  }

  /**
   * Runs the load.
   *
   * @param warm the warm-up time, not measured
   * @param time the measured time
   */
  public Tally run(int perSecond, Duration warm, Duration time)
      throws IOException, InterruptedException {
    long begin = System.nanoTime();
    long from = begin + warm.toNanos();
    start(from);
    long requests = (warm.toMillis() + time.toMillis()) * perSecond / 1000;
    Thread reader = driver.startReader(this);
    for (long n = 0; n < requests; n++) {
      long due = begin + 1_000_000_000L * n / perSecond;
      Driver.parkUntil(due);
      ask(due);
    }
    long patience = System.nanoTime() + PATIENCE.toNanos();
    while (busy() && System.nanoTime() - patience < 0) {
      LockSupport.parkNanos(Driver.LOOK_AGAIN.toNanos());
    }
    reader.interrupt();
    reader.join();
    return end();
  }

  private synchronized void start(long fromNanos) {
    recordFromNanos = fromNanos;
    tally = new Tally();
  }

  private synchronized Tally end() {
    if (idle.size() < open || !late.isEmpty()) {
      tally.fault("not answered within " + PATIENCE.toSeconds() + " s");
    }
    return tally.end();
  }

  private synchronized boolean busy() {
    return idle.size() < open || !late.isEmpty();
  }

  private synchronized void ask(long dueNanos) throws IOException {
    Connection connection = idle.poll();
    if (connection == null) {
      late.add(dueNanos);
    } else {
      connection.ask(dueNanos);
    }
  }

  @Override
  public synchronized void answered(Connection connection) throws IOException {
    tally.answered(connection, recordFromNanos);
    Connection next = connection;
    if (connection.answer().closes()) {
      connection.close();
      next = driver.dial(BodyPart.IGNORED);
    }
    Long due = late.poll();
    if (due == null) {
      idle.push(next);
    } else {
      next.ask(due);
    }
  }

  @Override
  public synchronized void lost(Connection connection, String why) {
    tally.fault(why);
    idle.remove(connection);
    open--;
  }

  @Override
  public void close() throws IOException {
    driver.close();
  }
}
