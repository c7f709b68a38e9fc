package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import relay.trial.load.PlainConnection.Answer;

/**
 * An open-loop load: requests arrive at a given rate, whether or not earlier ones have their
 * answers, as at a saturated pool. They go to the replicas in turn. A refused request is dropped; a
 * sample of them retries at the time that the 429 told, if it told one.
 */
public final class Load implements AutoCloseable {

  /**
   * The requests to send.
   *
   * @param replicas the targets, in turn
   * @param arrivals when they arrive
   * @param atFirst the time at the start in which late arrivals do not count: this process is cold
   * @param whole requests of which each arrival takes any
   * @param streams the same of requests for a stream
   * @param streamEvery one request in this many is a stream; 0 = none
   * @param retryEvery one 429 in this many is retried once; 0 = none
   * @param maxInFlight more arrivals are dropped and counted
   */
  public record Plan(
      List<InetSocketAddress> replicas,
      ArrivalTimes arrivals,
      Duration atFirst,
      List<byte[]> whole,
      List<byte[]> streams,
      int streamEvery,
      int retryEvery,
      int maxInFlight) {
    public Plan {
      replicas = List.copyOf(replicas);
      whole = List.copyOf(whole);
      streams = List.copyOf(streams);
    }
  }

  private final Plan plan;
  private final RandomGenerator random;
  private final Semaphore inFlight;
  private final KeptConnections connections;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile LoadTally tally;
  private volatile long endNanos;
  private volatile boolean ending;
  private volatile boolean stopped;

  public Load(Plan plan, RandomGenerator random) {
    this.plan = plan;
    this.random = random;
    this.tally = new LoadTally(plan.replicas().size());
    this.inFlight = new Semaphore(plan.maxInFlight());
    this.connections = new KeptConnections(plan.replicas());
  }

  /** What the load saw so far. */
  public LoadTally.Counts counts() {
    return tally.counts();
  }

  /** The times that 429s told so far, in milliseconds. */
  public List<Long> toldMs() {
    return tally.toldMs();
  }

  /** Forgets what it saw, and counts the requests that it sends from now on. */
  public void startOver() {
    tally = new LoadTally(plan.replicas().size());
  }

  /**
   * Sends for {@code duration}, or until {@link #end}. Blocks the calling thread until the last
   * answer is read.
   */
  public void run(Duration duration) {
    long startNanos = System.nanoTime();
    endNanos = startNanos + duration.toNanos();
    double dueNanos = 0; // after the start
    for (long n = 0; !ending && !stopped; n++) {
      dueNanos = plan.arrivals().next(dueNanos, 0.5 + random.nextDouble());
      long atNanos = startNanos + (long) dueNanos;
      if (atNanos >= endNanos) {
        break;
      }
      Wait.until(atNanos);
      if (dueNanos > plan.atFirst().toNanos()) {
        tally.late((System.nanoTime() - atNanos) / 1_000_000);
      }
      arrive(n);
    }
    awaitQuiet();
  }

  /** Makes {@link #run} send no more requests. */
  public void end() {
    ending = true;
  }

  /** Ends {@link #run} at once. */
  @Override
  public void close() {
    stopped = true;
    threads.shutdownNow();
    connections.close();
  }

  private void arrive(long n) {
    if (!inFlight.tryAcquire()) {
      tally.skipped();
      return;
    }
    int replica = (int) (n % plan.replicas().size());
    boolean stream = plan.streamEvery() > 0 && n / plan.replicas().size() % plan.streamEvery() == 0;
    List<byte[]> choice = stream ? plan.streams() : plan.whole();
    byte[] request = choice.get(random.nextInt(choice.size()));
    boolean retries = plan.retryEvery() > 0 && n / plan.replicas().size() % plan.retryEvery() == 0;
    threads.execute(
        () -> {
          try {
            request(replica, request, retries);
          } finally {
            inFlight.release();
          }
        });
  }

  private void request(int replica, byte[] request, boolean retries) {
    LoadTally counting = tally; // that of the time at which it arrived
    try {
      Answer answer = connections.exchange(replica, request, counting);
      long toldMs = answer.status() == 429 && retries ? RetryAfter.of(answer).ms() : -1;
      long againNanos = System.nanoTime() + toldMs * 1_000_000;
      if (toldMs >= 0 && againNanos < endNanos) {
        Wait.until(againNanos);
        counting.retried(connections.exchange(replica, request, counting).status() == 200);
      }
    } catch (IOException | NumberFormatException e) {
      if (!stopped) {
        counting.failed(e.toString());
      }
    }
  }

  private void awaitQuiet() {
    try {
      if (!inFlight.tryAcquire(plan.maxInFlight(), 20, TimeUnit.SECONDS)) {
        tally.failed("answers were still missing 20 s after the last request");
      } else {
        inFlight.release(plan.maxInFlight());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
