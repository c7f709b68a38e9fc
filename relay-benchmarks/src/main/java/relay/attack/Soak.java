package relay.attack;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.trial.process.ReplicaProcess;

/**
 * One replica under streams and single requests for a long time: whether its heap, threads and
 * connections and the memory of Redis stay flat. Writes the samples as a table.
 */
public final class Soak {
  private static final Duration START = Duration.ofMinutes(2);
  private static final int SAMPLES = 30;
  private static final int USUAL_SECONDS = 900;

  private Soak() {}

  /**
   * What was held at one time.
   *
   * @param heapBytes of live objects, after a collection
   * @param descriptors open files and sockets of the replica
   */
  private record Sample(
      long second,
      long heapBytes,
      long threads,
      long descriptors,
      long chargedBytes,
      long redisBytes,
      long redisClients) {}

  /** Arguments: the table's file, the launcher, {@code --seconds N}. */
  public static void main(String... args) throws Exception {
    boolean usual = args.length == 2;
    if (!usual && (args.length != 4 || !args[2].equals("--seconds"))) {
      System.err.println("soak takes --seconds N");
      System.exit(2);
    }
    int seconds = usual ? USUAL_SECONDS : Integer.parseInt(args[3]);
    Path directory = Files.createTempDirectory("relay-soak");
    try {
      String page = run(Path.of(args[1]), directory, seconds);
      System.out.print(page);
      if (usual) {
        Files.writeString(Path.of(args[0]), page);
      }
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    System.exit(0); // clients may still wait for an answer
  }

  private static String run(Path launcher, Path directory, int seconds) throws Exception {
    int[] ports = LoopbackPorts.free(2);
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        AttackProvider provider = new AttackProvider()) {
      Path config = directory.resolve("relay.yaml");
      BareReplica.config(config, ports[0], ports[1], redis.url(), provider);
      RedisClient client = RedisClient.create(redis.url());
      try (ReplicaProcess replica =
          ReplicaProcess.start(List.of(launcher.toString()), config, ports[0], ports[1])) {
        Runtime.getRuntime().addShutdownHook(new Thread(replica::kill));
        if (!replica.isReady(START)) {
          throw replica.failure("ended at once");
        }
        RedisCommands<String, String> commands = client.connect().sync();
        RollingLoad load = new RollingLoad(ports[0]);
        List<Sample> samples = new ArrayList<>();
        long begun = System.nanoTime();
        for (int n = 1; n <= SAMPLES; n++) {
          pauseUntil(begun + TimeUnit.SECONDS.toNanos((long) n * seconds / SAMPLES));
          long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
          samples.add(sample(replica, commands, second));
        }
        load.end();
        return page(samples, load.summary());
      } finally {
        client.shutdown();
      }
    }
  }

  private static Sample sample(
      ReplicaProcess replica, RedisCommands<String, String> redis, long second)
      throws IOException, InterruptedException {
    collect(replica.pid());
    String page;
    URI metrics = URI.create("http://127.0.0.1:" + replica.adminPort() + "/metrics");
    try (InputStream in = metrics.toURL().openStream()) {
      page = new String(in.readAllBytes(), UTF_8);
    }
    long heap =
        page.lines()
            .filter(line -> line.startsWith("jvm_memory_used_bytes{area=\"heap\""))
            .mapToLong(ReplicaFigures::value)
            .sum();
    return new Sample(
        second,
        heap,
        ReplicaFigures.named(page, "jvm_threads_live_threads"),
        ReplicaFigures.named(page, "process_files_open_files"),
        ReplicaFigures.named(page, "relay_memory_used_bytes"),
        field(redis.info("memory"), "used_memory:"),
        field(redis.info("clients"), "connected_clients:"));
  }

  /** So that the heap is that of live objects. */
  private static void collect(long pid) throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    int code =
        new ProcessBuilder(jcmd.toString(), Long.toString(pid), "GC.run")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor();
    if (code != 0) {
      throw new IOException("jcmd ended with " + code);
    }
  }

  private static long field(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.substring(name.length()).strip()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no field " + name));
  }

  private static void pauseUntil(long nanos) {
    for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private static String page(List<Sample> samples, String summary) {
    StringBuilder text = new StringBuilder();
    text.append("# A replica for a long time\n\n")
        .append("Written by `relay-benchmarks/run soak`; do not edit. One replica under 30 streams")
        .append(" of five seconds and four clients with\nsingle requests, half over new")
        .append(" connections. Heap: live objects, after a collection.\n\n")
        .append("| second | heap, MiB | threads | descriptors | charged, KiB")
        .append(" | Redis, MiB | Redis's clients |\n|--:|--:|--:|--:|--:|--:|--:|\n");
    for (Sample s : samples) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %d | %.1f | %d | %d | %d | %.1f | %d |%n",
              s.second(),
              s.heapBytes() / 1048576.0,
              s.threads(),
              s.descriptors(),
              s.chargedBytes() / 1024,
              s.redisBytes() / 1048576.0,
              s.redisClients()));
    }
    return text.append('\n').append(summary).append(".\n").toString();
  }
}
