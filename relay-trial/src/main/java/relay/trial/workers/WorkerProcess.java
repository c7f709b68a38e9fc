package relay.trial.workers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import relay.trial.process.ReplicaProcess;
import relay.trial.workers.Orders.Order;

/**
 * A worker, as the trial sees it. It ends by itself when the trial's process does, as its input
 * ends then.
 */
public final class WorkerProcess implements AutoCloseable {
  /** Small: a trial runs twenty. */
  private static final List<String> JVM_OPTIONS =
      List.of("-Xmx16m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto");

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /**
   * What all workers of a trial need.
   *
   * @param apiKey of a client that may take leases
   * @param ttl of leases that are not to die; those that are have the shortest
   * @param secrets of the provider's keys, by id
   */
  public record Task(
      List<InetSocketAddress> replicas,
      int providerPort,
      String apiKey,
      Duration ttl,
      Map<String, String> secrets) {
    public Task {
      replicas = List.copyOf(replicas);
      secrets = Map.copyOf(secrets);
    }
  }

  private final String name;
  private final Manner manner;
  private final Process process;
  private final OutputStream orders;
  private final CompletableFuture<String> ready = new CompletableFuture<>();
  private final CompletableFuture<String> refused = new CompletableFuture<>();
  private final CompletableFuture<String> holding = new CompletableFuture<>();
  private final CompletableFuture<String> done = new CompletableFuture<>();

  private WorkerProcess(String name, Manner manner, Process process) {
    this.name = name;
    this.manner = manner;
    this.process = process;
    this.orders = process.getOutputStream();
    Thread.ofVirtual().name(name).start(this::listen);
  }

  /** Starts a worker and returns at once. It waits for {@link #go}. */
  public static WorkerProcess start(Task task, Manner manner, int number) throws IOException {
    List<String> command =
        new ArrayList<>(ReplicaProcess.javaCommand(JVM_OPTIONS, Worker.class.getName()));
    command.add(manner.name());
    command.add(Integer.toString(number));
    command.add(Long.toString(task.ttl().toMillis()));
    command.add(
        task.replicas().stream()
            .map(address -> Integer.toString(address.getPort()))
            .collect(Collectors.joining(",")));
    command.add(Integer.toString(task.providerPort()));
    command.add(task.apiKey());
    task.secrets().forEach((id, secret) -> command.add(id + "=" + secret));
    return new WorkerProcess(
        "worker " + number, manner, new ProcessBuilder(command).redirectErrorStream(true).start());
  }

  public Manner manner() {
    return manner;
  }

  /** Waits until it has started. */
  public void awaitReady() throws IOException, InterruptedException {
    await(ready);
  }

  /** Has it begin. */
  public void go() throws IOException {
    order(Order.GO);
  }

  /** Has the provider refuse the first request of its next lease. */
  public void refuse() throws IOException {
    order(Order.REFUSE);
  }

  /** Waits until it has told Relay of that refusal. */
  public void awaitRefused() throws IOException, InterruptedException {
    await(refused);
  }

  /** Has it stop in the middle of its next lease, to be killed then. */
  public void hold() throws IOException {
    order(Order.HOLD);
  }

  /** Whether it has stopped in the middle of a lease. */
  public boolean holds() {
    return holding.isDone();
  }

  /** Waits until it has stopped in the middle of a lease, and sends SIGKILL. What it had done. */
  public Death kill() throws IOException, InterruptedException {
    String[] told = await(holding).split(" ", 2);
    process.destroyForcibly().waitFor();
    return new Death(Long.parseLong(told[0]), WorkerTally.parse(told[1]));
  }

  /**
   * A killed worker.
   *
   * @param unsent requests of its open lease that it had not sent
   * @param tally what it had done
   */
  public record Death(long unsent, WorkerTally tally) {}

  /** Has it end the lease at hand. */
  public void end() throws IOException {
    order(Order.END);
  }

  /** Waits for its end, after {@link #end}. What it did. */
  public WorkerTally tally() throws IOException, InterruptedException {
    return WorkerTally.parse(await(done));
  }

  private void order(Order order) throws IOException {
    orders.write((order.word() + "\n").getBytes(StandardCharsets.UTF_8));
    orders.flush();
  }

  private String await(CompletableFuture<String> event) throws IOException, InterruptedException {
    try {
      return event.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IOException(name + " ended early: " + event.exceptionNow().getMessage(), e);
    } catch (TimeoutException e) {
      throw new IOException(name + " said nothing for " + PATIENCE.toSeconds() + " s", e);
    }
  }

  private void listen() {
    StringBuilder other = new StringBuilder();
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.equals(Worker.READY)) {
          ready.complete(line);
        } else if (line.equals(Worker.REFUSED)) {
          refused.complete(line);
        } else if (line.startsWith(Worker.HOLDING)) {
          holding.complete(line.substring(Worker.HOLDING.length()));
        } else if (line.startsWith(Worker.DONE)) {
          done.complete(line.substring(Worker.DONE.length()));
        } else if (other.length() < 2_000) {
          other.append(line).append('\n');
        }
      }
    } catch (IOException e) {
      other.append(e.getMessage());
    }
    IOException ended = new IOException(other.isEmpty() ? "it said no reason" : other.toString());
    List.of(ready, refused, holding, done).forEach(event -> event.completeExceptionally(ended));
  }

  /** Sends SIGKILL, if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
