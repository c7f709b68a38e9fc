package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
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
 * sample of them retries after {@code retry-after-ms}.
 */
public final class Load implements AutoCloseable {

  /**
   * The requests to send.
   *
   * @param replicas the targets, in turn
   * @param apiKey the client's credential
   * @param perSecond arrivals per second
   * @param perSecondAtFirst arrivals per second during {@code atFirst}
   * @param inputTokens mean input of a request; single requests have 0.5 to 1.5 times as much
   * @param outputTokens output of each request
   * @param streamEvery one request in this many is a stream; 0 = none
   * @param retryEvery one 429 in this many is retried once; 0 = none
   * @param maxInFlight more arrivals are dropped and counted
   */
  public record Plan(
      List<InetSocketAddress> replicas,
      String apiKey,
      double perSecond,
      double perSecondAtFirst,
      Duration atFirst,
      int inputTokens,
      int outputTokens,
      int streamEvery,
      int retryEvery,
      int maxInFlight) {
    public Plan {
      replicas = List.copyOf(replicas);
    }
  }

  private static final int SIZES = 11;

  private final Plan plan;
  private final RandomGenerator random;
  private final LoadTally tally;
  private final Semaphore inFlight;
  private final KeptConnections connections;
  private final List<byte[]> whole = new ArrayList<>();
  private final List<byte[]> streamed = new ArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile boolean ending;
  private volatile boolean stopped;

  public Load(Plan plan, RandomGenerator random) {
    this.plan = plan;
    this.random = random;
    this.tally = new LoadTally(plan.replicas().size());
    this.inFlight = new Semaphore(plan.maxInFlight());
    this.connections = new KeptConnections(plan.replicas());
    for (int i = 0; i < SIZES; i++) {
      int input = plan.inputTokens() / 2 + plan.inputTokens() * i / (SIZES - 1);
      whole.add(RequestBytes.messages(plan.apiKey(), input, plan.outputTokens(), false));
      streamed.add(RequestBytes.messages(plan.apiKey(), input, plan.outputTokens(), true));
    }
  }

  /** What the load saw so far. */
  public LoadTally.Counts counts() {
    return tally.counts();
  }

  /**
   * Sends for {@code duration}, or until {@link #end}. Blocks the calling thread until the last
   * answer is read.
   */
  public void run(Duration duration) {
    long startNanos = System.nanoTime();
    long endNanos = startNanos + duration.toNanos();
    double dueNanos = 0; // after the start
    for (long n = 0; !ending && !stopped; n++) {
      double perSecond =
          dueNanos < plan.atFirst().toNanos() ? plan.perSecondAtFirst() : plan.perSecond();
      dueNanos += 1e9 / perSecond * (0.5 + random.nextDouble());
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
    byte[] request = (stream ? streamed : whole).get(random.nextInt(SIZES));
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
    try {
      Answer answer = connections.exchange(replica, request, tally);
      if (answer.status() == 429 && retries) {
        Wait.until(System.nanoTime() + RetryAfter.of(answer).ms() * 1_000_000);
        tally.retried(connections.exchange(replica, request, tally).status() == 200);
      }
    } catch (IOException | NumberFormatException e) {
      if (!stopped) {
        tally.failed(e.toString());
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
