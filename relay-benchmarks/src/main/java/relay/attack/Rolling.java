package relay.attack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.trial.process.ReplicaProcess;

/**
 * Restarts three replicas behind HAProxy, one after the other, under streams and single requests of
 * clients that do not retry. Fails if a request failed or a stream was cut.
 */
public final class Rolling {
  private static final int REPLICAS = 3;
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration STOP = Duration.ofSeconds(40);

  /** Time for the balancer to see a change, and for streams to meet all replicas. */
  private static final Duration SETTLE = Duration.ofSeconds(3);

  private final List<String> launcher;
  private final Path directory;
  private final List<ReplicaProcess> replicas = new ArrayList<>();

  private Rolling(Path launcher, Path directory) {
    this.launcher = List.of(launcher.toString());
    this.directory = directory;
  }

  /** Arguments: a file in the module's directory, the launcher. */
  public static void main(String... args) throws Exception {
    Path page = Path.of(args[0]).toAbsolutePath();
    Path directory = Files.createTempDirectory("relay-rolling");
    boolean good;
    try {
      good = new Rolling(Path.of(args[1]), directory).run(page);
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    System.exit(good ? 0 : 1);
  }

  private boolean run(Path page) throws Exception {
    int[] ports = LoopbackPorts.free(2 * REPLICAS + 1);
    Path log =
        Files.createDirectories(page.resolveSibling("target")).resolve("rolling-haproxy.log");
    Path shipped = page.resolveSibling("../deploy/haproxy/haproxy.cfg");
    Runtime.getRuntime().addShutdownHook(new Thread(this::kill));
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        AttackProvider provider = new AttackProvider()) {
      for (int n = 0; n < REPLICAS; n++) {
        int port = ports[2 * n];
        int adminPort = ports[2 * n + 1];
        Path config = directory.resolve(name(n));
        BareReplica.config(config, port, adminPort, redis.url(), provider);
        replicas.add(ReplicaProcess.start(launcher, config, port, adminPort));
      }
      for (int n = 0; n < REPLICAS; n++) {
        awaitReady(n);
      }
      int port = ports[2 * REPLICAS];
      try (Balancer balancer = new Balancer(shipped, directory, log, port, replicas)) {
        pause(SETTLE);
        RollingLoad load = new RollingLoad(port);
        pause(SETTLE);
        int restarts = 0;
        for (int n = 0; n < REPLICAS && balancer.isAlive(); n++) {
          restart(n);
          restarts++;
        }
        load.end();
        System.out.println(restarts + " of " + REPLICAS + " replicas restarted; " + load.summary());
        return restarts == REPLICAS && load.isGood();
      }
    } finally {
      kill();
    }
  }

  private void restart(int n) throws IOException, InterruptedException {
    ReplicaProcess old = replicas.get(n);
    long began = System.nanoTime();
    old.stop(STOP);
    long drained = System.nanoTime();
    replicas.set(
        n, ReplicaProcess.start(launcher, directory.resolve(name(n)), old.port(), old.adminPort()));
    awaitReady(n);
    System.err.printf(
        "replica %d: drained in %.1f s, ready after %.1f s more%n",
        n + 1, (drained - began) / 1e9, (System.nanoTime() - drained) / 1e9);
    pause(SETTLE);
  }

  private void awaitReady(int n) throws IOException, InterruptedException {
    if (!replicas.get(n).isReady(START)) {
      throw replicas.get(n).failure("ended at once");
    }
  }

  private static String name(int n) {
    return "relay-" + n + ".yaml";
  }

  private static void pause(Duration time) {
    long until = System.nanoTime() + time.toNanos();
    for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private void kill() {
    replicas.forEach(ReplicaProcess::kill);
  }
}
