package relay.trial;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.ProviderSimulator.Settings;
import relay.trial.provider.ProviderSimulator;

/**
 * All that a trial needs, running: Redis, the simulated provider, the replicas, a private directory
 * for their configs and logs. Closing it stops and removes everything, in reverse order.
 */
final class TrialStage implements AutoCloseable {

  /** Writes the config of a replica. */
  @FunctionalInterface
  interface ConfigText {
    String yaml(int port, int adminPort, String redisUrl, String providerUrl);
  }

  private static final Duration START_TIMEOUT = Duration.ofSeconds(30);

  private final Deque<Runnable> undo = new ArrayDeque<>();
  private final List<ReplicaProcess> replicas = new ArrayList<>();
  private final Path directory;
  private final EmbeddedRedis redis;
  private final ProviderSimulator provider;
  private final Thread onExit = new Thread(this::undoAll, "trial-stop");
  private boolean closed;

  /**
   * Starts everything and waits until it serves.
   *
   * @param moreJvmOptions of the replicas, beside those of this JVM
   * @param progress told in a few words what has just been reached
   */
  TrialStage(
      Settings settings,
      ConfigText config,
      int replicaCount,
      List<String> moreJvmOptions,
      Consumer<String> progress)
      throws IOException, InterruptedException {
    Runtime.getRuntime().addShutdownHook(onExit);
    try {
      directory = Files.createTempDirectory("relay-try-"); // only its owner may enter
      onClose(() -> delete(directory));
      redis = EmbeddedRedis.start();
      onClose(redis::close);
      progress.accept("Redis        127.0.0.1:" + redis.port() + ", embedded");
      provider = ProviderSimulator.start(settings);
      onClose(provider::close);
      progress.accept(
          "provider     127.0.0.1:"
              + provider.port()
              + ", simulated: "
              + settings.accounts().size()
              + " keys, token buckets of a "
              + settings.window().toSeconds()
              + " s window");
      startReplicas(config, replicaCount, moreJvmOptions);
      for (ReplicaProcess replica : replicas) {
        if (!replica.isReady(START_TIMEOUT)) {
          replica.checkAlive();
        }
      }
      progress.accept(
          "replicas     "
              + String.join(
                  ", ", replicas.stream().map(r -> "127.0.0.1:" + r.port()).toList())
              + ", a process each");
    } catch (IOException | InterruptedException | RuntimeException e) {
      close();
      throw e;
    }
  }

  EmbeddedRedis redis() {
    return redis;
  }

  ProviderSimulator provider() {
    return provider;
  }

  List<ReplicaProcess> replicas() {
    return replicas;
  }

  /** Stops everything; once is enough, and more does no harm. */
  @Override
  public void close() {
    undoAll();
    try {
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IllegalStateException e) {
      // the JVM is on its way out, and the hook has nothing left to do
    }
  }

  private void startReplicas(ConfigText text, int count, List<String> moreJvmOptions)
      throws IOException {
    List<String> options = new ArrayList<>(ReplicaProcess.tuningOptions());
    options.addAll(moreJvmOptions);
    List<String> command = ReplicaProcess.javaCommand(options);
    int[] ports = LoopbackPorts.free(2 * count);
    for (int i = 0; i < count; i++) {
      Path config = directory.resolve("replica-" + (i + 1) + ".yaml");
      Files.writeString(
          config,
          text.yaml(ports[2 * i], ports[2 * i + 1], redis.url(), provider.url().toString()));
      ReplicaProcess replica =
          ReplicaProcess.start(command, config, ports[2 * i], ports[2 * i + 1]);
      onClose(replica::close);
      replicas.add(replica);
    }
    onClose(() -> replicas.forEach(ReplicaProcess::terminate));
  }

  /** The exit's hook may come in the middle of the start: what comes after it ends at once. */
  private synchronized void onClose(Runnable step) {
    if (closed) {
      step.run();
    } else {
      undo.push(step);
    }
  }

  /** Also runs at the JVM's exit: Ctrl-C leaves nothing behind. */
  private synchronized void undoAll() {
    if (closed) {
      return;
    }
    closed = true;
    while (!undo.isEmpty()) {
      undo.pop().run();
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> paths = Files.walk(directory)) {
      paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      // a temporary directory, that the system clears
    }
  }
}
