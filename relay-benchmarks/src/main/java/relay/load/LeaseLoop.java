package relay.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;

/**
 * A worker's leases: each is acquired, and settled. In a closed loop each connection goes on after
 * its answer. In an open loop both are due at fixed times, and latency counts from these: one
 * thread sends, another reads.
 */
public final class LeaseLoop implements AutoCloseable, Driver.Events {
  /** The credential of the client that may use leases. */
  public static final String WORKER_KEY = "a-worker-of-the-benchmark";

  private static final int CONNECTIONS = 64;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** How long an open loop holds a lease. */
  private static final Duration HELD = Duration.ofMillis(50);

  /** The golden ratio spreads the settles evenly over the time between two acquires. */
  private static final double PHASE = 0.618034;

  private final WorkerCalls calls;
  private final Driver driver;
  private final Map<Connection, Turn> turns = new HashMap<>();
  private final Deque<Connection> idle = new ArrayDeque<>();
  private final Deque<String> granted = new ArrayDeque<>();
  private final Deque<Long> acquiresDue = new ArrayDeque<>(); // those that are not sent yet
  private final Deque<Long> settlesDue = new ArrayDeque<>();
  private Pairs pairs = new Pairs(new Tally(), new Tally());
  private long recordFromNanos;
  private boolean isClosed;

  /** What a connection does. */
  private static final class Turn {
    private final GrantedId answer = new GrantedId();
    private boolean settles;
  }

  /** The outcomes of the two calls. */
  public record Pairs(Tally acquires, Tally settles) {
    private Pairs end() {
      acquires.end();
      settles.end();
      return this;
    }

    /** Returns this if there were no faults. */
    public Pairs checked() {
      acquires.checked();
      settles.checked();
      return this;
    }
  }

  /** Connects. */
  public LeaseLoop(int port, boolean isKeyed) throws IOException {
    calls = new WorkerCalls(isKeyed);
    driver = new Driver(List.of(port), SentRequests.of(new byte[0])); // each call has its own
    for (int n = 0; n < CONNECTIONS; n++) {
      idle.push(dial());
    }
  }

  private Connection dial() throws IOException {
    Turn turn = new Turn();
    Connection connection = driver.dial(turn.answer);
    turns.put(connection, turn);
    return connection;
  }

  private Turn turn(Connection connection) {
    return Objects.requireNonNull(turns.get(connection));
  }

  /** Runs a closed loop. Between two calls no answer is read, so no request is sent. */
  public Pairs closed(Duration time) throws IOException {
    isClosed = true;
    start(System.nanoTime());
    for (int n = idle.size(); n > 0; n--) {
      due(acquiresDue, System.nanoTime());
    }
    driver.pollUntil(System.nanoTime() + time.toNanos(), this);
    return pairs.end();
  }

  /**
   * Runs an open loop, at whose end no lease is left.
   *
   * @param warm the warm-up time, not measured
   * @param time the measured time
   */
  public Pairs open(int perSecond, Duration warm, Duration time)
      throws IOException, InterruptedException {
    long begin = System.nanoTime();
    start(begin + warm.toNanos());
    double gap = 1e9 / perSecond;
    long number = (warm.toMillis() + time.toMillis()) * perSecond / 1000;
    long held = Math.round(HELD.toNanos() / gap);
    Thread reader = driver.startReader(this);
    for (long n = 0; n < number + held; n++) {
      long at = begin + Math.round(n * gap);
      if (n < number) {
        due(acquiresDue, at);
      }
      if (n >= held) {
        due(settlesDue, at + Math.round(gap * (n * PHASE % 1)));
      }
    }
    long patience = System.nanoTime() + PATIENCE.toNanos();
    while (isBusy() && System.nanoTime() - patience < 0) {
      LockSupport.parkNanos(Driver.LOOK_AGAIN.toNanos());
    }
    reader.interrupt();
    reader.join();
    return end();
  }

  private synchronized void start(long fromNanos) {
    recordFromNanos = fromNanos;
    pairs = new Pairs(new Tally(), new Tally());
  }

  private synchronized Pairs end() {
    if (isBusy()) {
      pairs.settles.fault("not answered within " + PATIENCE.toSeconds() + " s");
    }
    return pairs.end();
  }

  private synchronized boolean isBusy() {
    return idle.size() < turns.size() || !acquiresDue.isEmpty() || !settlesDue.isEmpty();
  }

  /** Waits until a call is due. */
  private void due(Deque<Long> calls, long dueNanos) throws IOException {
    Driver.parkUntil(dueNanos);
    synchronized (this) {
      calls.add(dueNanos);
      send();
    }
  }

  private void send() throws IOException {
    while (!idle.isEmpty()) {
      boolean settles = !settlesDue.isEmpty() && !granted.isEmpty();
      if (!settles && acquiresDue.isEmpty()) {
        return;
      }
      Connection connection = idle.pop();
      turn(connection).settles = settles;
      if (settles) {
        connection.ask(calls.settle(granted.pop()), settlesDue.pop());
      } else {
        connection.ask(calls.acquire(), acquiresDue.pop());
      }
    }
  }

  @Override
  public synchronized void answered(Connection connection) throws IOException {
    Turn turn = turn(connection);
    (turn.settles ? pairs.settles : pairs.acquires).answered(connection, recordFromNanos);
    String id = turn.answer.take();
    if (!id.isEmpty() && !turn.settles) {
      granted.add(id);
    }
    if (isClosed) {
      (id.isEmpty() || turn.settles ? acquiresDue : settlesDue).add(System.nanoTime());
    }
    if (connection.answer().closes()) {
      connection.close();
      turns.remove(connection);
      idle.push(dial());
    } else {
      idle.push(connection);
    }
    send();
  }

  @Override
  public synchronized void lost(Connection connection, String why) {
    pairs.acquires.fault(why);
    turns.remove(connection);
    idle.remove(connection);
  }

  @Override
  public void close() throws IOException {
    driver.close();
  }
}
