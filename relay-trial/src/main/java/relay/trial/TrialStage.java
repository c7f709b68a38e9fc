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
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Runs Redis, the simulated provider and the replicas, with a private directory for configurations
 * and logs. Closing it stops and removes everything, in reverse order.
 */
final class TrialStage implements AutoCloseable {

  /** The configuration of a replica. */
  @FunctionalInterface
  interface ConfigText {
    String yaml(int port, int adminPort, String redisUrl, ProviderSimulator provider);
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
   * @param tls for a provider that also listens with TLS
   * @param moreJvmOptions of the replicas, added to those of this JVM
   * @param progress gets a few words on each step that is complete
   */
  TrialStage(
      Settings settings,
      @Nullable SSLContext tls,
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
      provider =
          tls == null ? ProviderSimulator.start(settings) : ProviderSimulator.start(settings, tls);
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
              + String.join(", ", replicas.stream().map(r -> "127.0.0.1:" + r.port()).toList())
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

  /** Stops everything. Idempotent. */
  @Override
  public void close() {
    undoAll();
    try {
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IllegalStateException e) {
      // the JVM exits, and the hook finds nothing to undo
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
      Files.writeString(config, text.yaml(ports[2 * i], ports[2 * i + 1], redis.url(), provider));
      ReplicaProcess replica =
          ReplicaProcess.start(command, config, ports[2 * i], ports[2 * i + 1]);
      onClose(replica::close);
      replicas.add(replica);
    }
    onClose(() -> replicas.forEach(ReplicaProcess::terminate));
  }

  /** The exit hook may run during the start: a part that starts after it ends at once. */
  private synchronized void onClose(Runnable step) {
    if (closed) {
      step.run();
    } else {
      undo.push(step);
    }
  }

  /** Also runs when the JVM exits, so that Ctrl-C leaves nothing behind. */
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
      // the system clears its temporary directory
    }
  }
}
