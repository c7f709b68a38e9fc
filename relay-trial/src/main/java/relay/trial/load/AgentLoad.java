package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.random.RandomGenerator;

/**
 * An open-loop load like that of coding agents, on several models at once: streamed answers of
 * unknown length, with a log-normal distribution, made at a steady speed. A refused request is
 * dropped.
 */
public final class AgentLoad implements AutoCloseable {
  private static final int INPUT_TOKENS = 60;
  private static final int MAX_IN_FLIGHT = 2_000;
  private static final int EVENT_MS = 100;

  /**
   * The requests to send.
   *
   * @param replicas the targets, in turn
   * @param models each gets {@code perSecond} arrivals per second
   * @param meanTokens mean output
   * @param meanMs time in which a mean output is made
   */
  public record Plan(
      List<InetSocketAddress> replicas,
      String apiKey,
      List<String> models,
      double perSecond,
      int meanTokens,
      int meanMs) {
    public Plan {
      replicas = List.copyOf(replicas);
      models = List.copyOf(models);
    }
  }

  private final Plan plan;
  private final RandomGenerator random;
  private final Map<String, LoadTally> tallies = new LinkedHashMap<>();
  private final KeptConnections connections;
  private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile boolean stopped;

  public AgentLoad(Plan plan, RandomGenerator random) {
    this.plan = plan;
    this.random = random;
    plan.models().forEach(model -> tallies.put(model, new LoadTally(plan.replicas().size())));
    connections = new KeptConnections(plan.replicas());
  }

  /** What the load saw so far of a model. */
  public LoadTally.Counts counts(String model) {
    return counted(model).counts();
  }

  /** Sends for {@code duration}, or until it is closed. Blocks; answers may still run then. */
  public void run(Duration duration) {
    long startNanos = System.nanoTime();
    double dueNanos = 0;
    int count = plan.models().size();
    for (int n = 0; !stopped; n++) {
      dueNanos += -Math.log(1 - random.nextDouble()) * 1e9 / (plan.perSecond() * count);
      if (dueNanos > duration.toNanos()) {
        return;
      }
      Wait.until(startNanos + (long) dueNanos);
      String model = plan.models().get(n % count);
      int replica = n / count % plan.replicas().size();
      byte[] request = request(model);
      LoadTally tally = counted(model);
      if (inFlight.tryAcquire()) {
        try {
          threads.execute(() -> send(replica, request, tally));
        } catch (RejectedExecutionException e) {
          return; // it was closed meanwhile
        }
      } else {
        tally.skipped();
      }
    }
  }

  private LoadTally counted(String model) {
    return Objects.requireNonNull(tallies.get(model));
  }

  private byte[] request(String model) {
    long drawn = Math.round(plan.meanTokens() * Math.exp(random.nextGaussian() - 0.5));
    int tokens = Math.clamp(drawn, 1, 20 * plan.meanTokens());
    int perEvent = Math.max(1, plan.meanTokens() * EVENT_MS / plan.meanMs());
    return RequestBytes.paced(
        plan.apiKey(), model, INPUT_TOKENS, tokens, Math.ceilDiv(tokens, perEvent), EVENT_MS);
  }

  private void send(int replica, byte[] request, LoadTally tally) {
    try {
      connections.exchange(replica, request, tally);
    } catch (IOException | NumberFormatException e) {
      if (!stopped) {
        tally.failed(e.toString());
      }
    } finally {
      inFlight.release();
    }
  }

  /** Ends {@link #run} and all answers at once. */
  @Override
  public void close() {
    stopped = true;
    threads.shutdownNow();
    connections.close();
  }
}
