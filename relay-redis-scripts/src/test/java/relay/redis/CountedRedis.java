package relay.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;

/**
 * A Redis under Valgrind, which counts its instructions. Their number depends neither on the
 * machine's speed nor on its load.
 */
final class CountedRedis implements AutoCloseable {
  private static final String SUMMARY = "summary: ";

  private final Path valgrind;
  private final Path counts;
  private final int port = LoopbackPorts.free();
  private final Process process;
  private int taken;

  /**
   * @param valgrind the command; {@code vgdb} is beside it
   */
  CountedRedis(Path valgrind) throws IOException {
    this.valgrind = valgrind;
    Path directory = Files.createTempDirectory("relay-counted-").toRealPath();
    counts = directory.resolve("counts");
    process =
        new ProcessBuilder(
                valgrind.toString(),
                "--tool=callgrind",
                "--callgrind-out-file=" + counts,
                EmbeddedRedis.executable(directory).toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--hz",
                "1", // what Redis does ten times a second else counts, too
                "--lua-time-limit",
                "120000")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    Path log = directory.resolve("log");
    Await.until(
        "Redis answers under Valgrind",
        () -> {
          if (!process.isAlive()) {
            throw new IOException("it ended: " + Files.readString(log));
          }
          return Files.readString(log).contains("Ready to accept connections");
        });
  }

  String url() {
    return "redis://127.0.0.1:" + port;
  }

  /** The instructions that Redis runs for this work. */
  long instructions(Runnable work) {
    try {
      control("zero");
      work.run();
      control("dump");
      Path dumped = Path.of(counts + "." + ++taken);
      String summary =
          Files.readAllLines(dumped, UTF_8).stream()
              .filter(line -> line.startsWith(SUMMARY))
              .findFirst()
              .orElseThrow();
      return Long.parseLong(summary.substring(SUMMARY.length()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void control(String command) throws IOException {
    List<String> line = new ArrayList<>(List.of(valgrind.resolveSibling("vgdb").toString()));
    line.addAll(List.of("--pid=" + process.pid(), command));
    Process vgdb = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(vgdb.getInputStream().readAllBytes(), UTF_8);
    try {
      if (vgdb.waitFor() != 0) {
        throw new IOException(line + ": " + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
