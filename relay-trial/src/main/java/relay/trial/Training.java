package relay.trial;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.logging.Level;
import java.util.logging.Logger;
import relay.trial.load.PlainConnection;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.LocalCertificate;

/**
 * Makes the JVM's cache for {@code relay serve} (JEP 483, 514, 515). It holds loaded and linked
 * classes and the profiles of methods: starts are short, and the first requests are compiled early.
 * The launcher and the image's build run it, once for each jar; it is no command for users.
 *
 * <p>A replica serves a load for some seconds and writes the cache when it ends. It is a separate
 * process, so that the load and the provider leave no trace in its profiles. It has this JVM's
 * options, because a cache is bound to them.
 */
final class Training {
  /**
   * The JVM interprets at first, and profiles of that time are of little use. With a sixth of this
   * time, the first half minute under load costs twice the CPU time.
   */
  private static final Duration LOAD_FOR = Duration.ofSeconds(20);

  /** Enough on a fast machine. */
  private static final int MOST_REQUESTS = 100_000;

  private static final int CONNECTIONS = 8;

  /** Writing the cache takes two seconds on an idle machine. */
  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(90);

  private Training() {}

  /**
   * Exits with 0 when the cache is written. {@code args}: the file to write, and the seconds of
   * load if not the default.
   */
  public static void main(String[] args) throws InterruptedException {
    Logger.getLogger("").setLevel(Level.WARNING);
    if (args.length < 1 || args.length > 2) {
      System.err.println("usage: relay.trial.Training CACHE [SECONDS]");
      System.exit(2);
    }
    try {
      Duration loadFor =
          args.length == 2 ? Duration.ofSeconds(Integer.parseInt(args[1])) : LOAD_FOR;
      int served = run(Path.of(args[0]), loadFor);
      System.out.println("served " + served + " requests");
    } catch (IOException e) {
      System.err.println("relay: " + e.getMessage());
      System.exit(1);
    }
  }

  /**
   * Writes {@code cache} after a load of {@code loadFor} at most; returns the number of requests
   * served.
   */
  private static int run(Path cache, Duration loadFor) throws IOException, InterruptedException {
    Files.deleteIfExists(cache);
    Path directory = Files.createTempDirectory("relay-training-");
    LocalCertificate certificate = LocalCertificate.in(directory);
    try (TrialStage stage =
        new TrialStage(
            TrainingPlan.provider(),
            certificate.serverContext(),
            (port, adminPort, redisUrl, provider) ->
                TrainingPlan.yaml(port, adminPort, redisUrl, provider, certificate.pem()),
            1,
            List.of(
                "-XX:AOTCacheOutput=" + cache.toAbsolutePath(),
                "-Drelay.provider_http2=" + String.join(",", TrainingPlan.http2Providers())),
            _ -> {})) {
      ReplicaProcess replica = stage.replicas().getFirst();
      int served = load(replica.address(), System.nanoTime() + loadFor.toNanos());
      replica.stop(WRITE_TIMEOUT);
      if (!Files.exists(cache)) {
        throw new IOException("this JVM writes no cache (-XX:AOTCacheOutput)");
      }
      return served;
    } finally {
      certificate.delete();
      Files.delete(directory);
    }
  }

  private static int load(InetSocketAddress address, long endNanos)
      throws IOException, InterruptedException {
    List<byte[]> requests = TrainingPlan.requests();
    List<Future<Integer>> clients = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CONNECTIONS; i++) {
        int first = i * requests.size() / CONNECTIONS + i; // each protocol at once
        clients.add(threads.submit(() -> client(address, requests, first, endNanos)));
      }
    }
    int served = 0;
    for (Future<Integer> client : clients) {
      try {
        served += client.get();
      } catch (ExecutionException e) {
        throw new IOException("training: " + e.getMessage(), e);
      }
    }
    return served;
  }

  /**
   * Sends one request after the other. All must be served: a profile of errors would mislead the
   * compiler.
   */
  private static int client(
      InetSocketAddress address, List<byte[]> requests, int first, long endNanos)
      throws IOException {
    try (PlainConnection connection = new PlainConnection(address, 256)) {
      int sent = 0;
      while (sent < MOST_REQUESTS / CONNECTIONS && System.nanoTime() - endNanos < 0) {
        int status = connection.exchange(requests.get((first + sent++) % requests.size())).status();
        if (status != 200) {
          throw new IOException("a request got status " + status);
        }
      }
      return sent;
    }
  }
}
