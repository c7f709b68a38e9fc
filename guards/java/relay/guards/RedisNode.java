package relay.guards;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;

/**
 * A server of a test's own: a Redis, a sentinel or a Cluster's node. It may be stopped by force.
 */
public final class RedisNode implements AutoCloseable {
  private final Path directory;
  private final boolean sentinel;
  private final int port;
  private Process process;

  private RedisNode(Path directory, boolean sentinel, int port) throws IOException {
    this.directory = directory;
    this.sentinel = sentinel;
    this.port = port;
    process = launch();
  }

  /** A Redis with these lines in its configuration. */
  public static RedisNode start(String... lines) {
    return start(false, lines);
  }

  /** A sentinel with these lines in its configuration. */
  public static RedisNode sentinel(String... lines) {
    return start(true, lines);
  }

  private static RedisNode start(boolean sentinel, String... lines) {
    try {
      Path directory = Files.createTempDirectory("relay-node-").toRealPath();
      int port = LoopbackPorts.free();
      List<String> all =
          new ArrayList<>(List.of("port " + port, "bind 127.0.0.1", "dir " + directory));
      if (!sentinel) {
        all.addAll(List.of("save \"\"", "appendonly no", "repl-diskless-sync-delay 0"));
      }
      all.addAll(List.of(lines));
      Files.write(directory.resolve("redis.conf"), all);
      return new RedisNode(directory, sentinel, port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One copy for all: a file that is open for writing when another thread forks cannot run. */
  private static final class Binary {
    static final Path PATH = copied();

    private static Path copied() {
      try {
        Path directory = Files.createTempDirectory("relay-binary-").toRealPath();
        Path binary = EmbeddedRedis.executable(directory);
        directory.toFile().deleteOnExit(); // in reverse order
        if (binary.startsWith(directory)) {
          binary.toFile().deleteOnExit();
        }
        return binary;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Process launch() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Binary.PATH.toString());
    command.add(directory.resolve("redis.conf").toString());
    if (sentinel) {
      command.add("--sentinel");
    }
    Process started =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(started::destroyForcibly));
    Await.until("a server answers", () -> answers(started));
    return started;
  }

  private boolean answers(Process started) throws IOException {
    if (!started.isAlive()) {
      throw new IOException("it ended: " + Files.readString(directory.resolve("log")));
    }
    try {
      return !call("PING").isEmpty();
    } catch (UncheckedIOException e) {
      return false;
    }
  }

  /** The TCP port on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** {@code 127.0.0.1:PORT}. */
  public String address() {
    return "127.0.0.1:" + port;
  }

  /** Its directory; the log is in {@code log}. */
  public Path directory() {
    return directory;
  }

  /** Ends it at once, as {@code kill -9} does. */
  public void kill() {
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts it again, with the configuration as it left it. */
  public void startAgain() {
    try {
      process = launch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Stops it, so that connections stay open and nothing answers; or lets it go on. */
  public void freeze(boolean stopped) {
    try {
      String signal = stopped ? "-STOP" : "-CONT";
      new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs a command; its reply, flattened. An error's text begins with {@code -}. */
  public List<String> call(String... words) {
    return callAs("", words);
  }

  /**
   * As {@link #call}, after a login.
   *
   * @param login user and password, with a blank between; empty for none
   */
  public List<String> callAs(String login, String... words) {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(5_000);
      RespReader replies = new RespReader(new BufferedInputStream(socket.getInputStream()));
      List<String> reply = new ArrayList<>();
      if (!login.isEmpty()) {
        send(socket, ("AUTH " + login).split(" ", -1));
        var _ = replies.next();
      }
      send(socket, words);
      flatten(replies.next(), reply);
      return reply;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void send(Socket socket, String... words) throws IOException {
    List<byte[]> all = Stream.of(words).map(word -> word.getBytes(UTF_8)).toList();
    socket.getOutputStream().write(RespReader.command(all));
  }

  private static void flatten(@Nullable Object reply, List<String> into) {
    switch (reply) {
      case null -> into.add("");
      case byte[] text -> into.add(new String(text, UTF_8));
      case RespReader.ErrorReply(String text) -> into.add("-" + text);
      case List<?> all -> all.forEach(each -> flatten(each, into));
      default -> into.add(reply.toString());
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      var _ = process.waitFor(5, TimeUnit.SECONDS);
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
