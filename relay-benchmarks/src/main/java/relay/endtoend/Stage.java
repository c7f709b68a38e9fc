package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import relay.embedded.EmbeddedRedis;
import relay.load.LeaseLoop;
import relay.load.Question;
import relay.load.SentRequests;

/**
 * The processes of a measurement: a Redis, a provider stand-in and replicas, used by nothing else.
 */
final class Stage implements AutoCloseable {
  private final List<String> launcher;
  private final Path directory;
  private final EmbeddedRedis redis;
  private final RedisInfo redisInfo;
  private final ProviderProcess provider;
  private final Path clientsFile;
  private final List<MeasuredReplica> replicas = new ArrayList<>();
  private String worker = "";
  private List<String> clients = List.of(); // the keys of those that have limits of their own

  /**
   * Starts without replicas.
   *
   * @param launcher {@code serve} and its options are appended
   * @param wire what the provider speaks
   */
  Stage(List<String> launcher, ProviderLine wire) throws IOException {
    this.launcher = launcher;
    directory = Files.createTempDirectory("relay-benchmark");
    redis = EmbeddedRedis.start();
    redisInfo = new RedisInfo(redis.url());
    provider = ProviderProcess.start(wire, directory);
    clientsFile = directory.resolve("clients.yaml");
    writeClients();
  }

  /** Adds a replica that serves. */
  MeasuredReplica replica(int keys) throws IOException {
    MeasuredReplica replica =
        MeasuredReplica.start(
            launcher, directory, redis.url(), provider.settings(), keys, clientsFile);
    replicas.add(replica);
    return replica;
  }

  /**
   * Stops all replicas and clears Redis.
   *
   * @param count the clients that the next replicas have, and whose requests the load sends by
   *     turns: each with limits of its own that never bind, half of them with a budget. Without
   *     any, the load comes from a client without limits
   */
  void clear(int count) throws IOException {
    replicas.forEach(MeasuredReplica::close);
    replicas.clear();
    redisInfo.forgetAll();
    clients =
        IntStream.range(0, count)
            .mapToObj(n -> Question.CLIENT_KEY + "-%06d".formatted(n))
            .toList();
    writeClients();
  }

  /** The next replicas also know the client that may use leases. */
  void admitWorker() throws IOException {
    worker = "  - { name: worker, key: " + LeaseLoop.WORKER_KEY + ", leases: true }\n";
    writeClients();
  }

  /** What a load of this question sends. */
  SentRequests requests(Question question) {
    return clients.isEmpty()
        ? SentRequests.of(question.bytes())
        : SentRequests.byTurns(question, clients);
  }

  /** Once for all replicas, because each watches the file. */
  private void writeClients() throws IOException {
    StringBuilder text = new StringBuilder("clients:\n").append(worker);
    for (int n = 0; n < clients.size(); n++) {
      text.append(
          "  - { name: client-%d, key: %s, rpm_limit: 100000000, tpm_limit: 1000000000%s }\n"
              .formatted(
                  n,
                  clients.get(n),
                  n % 2 == 0 ? ", budget: [ { tokens: 1000000000000, per: month } ]" : ""));
    }
    if (clients.isEmpty() && worker.isEmpty()) {
      text.append("  []\n");
    }
    Files.writeString(clientsFile, text);
  }

  /** The replicas' data ports. */
  List<Integer> ports() {
    return replicas.stream().map(MeasuredReplica::port).toList();
  }

  int providerPort() {
    return provider.port();
  }

  RedisInfo redis() {
    return redisInfo;
  }

  /** Reads the resources used so far. */
  Reading read() throws IOException {
    return new Reading(
        System.nanoTime(),
        Processes.cpuMicros(replicas.stream().map(MeasuredReplica::pid).toList()),
        redisInfo.cpuMicros(),
        Processes.cpuMicros(provider.pids())
            + Processes.cpuMicros(List.of(ProcessHandle.current().pid())),
        Processes.machineMicros(),
        redisInfo.functionCalls(),
        redisInfo.commands());
  }

  @Override
  public void close() throws IOException {
    replicas.forEach(MeasuredReplica::close);
    provider.close();
    redisInfo.close();
    redis.close();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
