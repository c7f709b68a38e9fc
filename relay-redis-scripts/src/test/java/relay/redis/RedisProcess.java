package relay.redis;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.embedded.RedisExecProvider;

/**
 * A Redis server of one test, which may freeze, kill and restart it on the same port. The binary is
 * {@code -Drelay.redis.binary}, else the one that embedded-redis contains. It persists nothing and
 * dies with the JVM.
 */
final class RedisProcess implements AutoCloseable {
  private final File binary;
  private final int port;
  private final Thread atExit = new Thread(this::kill);
  private volatile Process process;

  private RedisProcess(File binary, int port) {
    this.binary = binary;
    this.port = port;
    process = launch();
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  static RedisProcess start() {
    return new RedisProcess(binary(), freePort());
  }

  String url() {
    return "redis://127.0.0.1:" + port;
  }

  /** Redis stops answering, without refusing connections, like a lost network. */
  void freeze() {
    signal("-STOP");
  }

  void thaw() {
    signal("-CONT");
  }

  void kill() {
    process.destroyForcibly();
    try {
      var _ = process.waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A new, empty server on the same port. */
  void startAgain() {
    process = launch();
  }

  @Override
  public void close() {
    kill();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }

  private void signal(String signal) {
    try {
      int exit = new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
      if (exit != 0) {
        throw new IllegalStateException("kill " + signal + " failed");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Process launch() {
    List<String> command =
        List.of(
            binary.getPath(),
            "--port",
            Integer.toString(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no");
    try {
      Process launched =
          new ProcessBuilder(command)
              .directory(new File(System.getProperty("java.io.tmpdir", ".")))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      AwaitCondition.until(
          "Redis listens on port " + port, Duration.ofSeconds(20), () -> listens(launched));
      return launched;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean listens(Process launched) {
    if (!launched.isAlive()) {
      throw new IllegalStateException("Redis ended with status " + launched.exitValue());
    }
    try (Socket s = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return s.isConnected();
    } catch (IOException e) {
      return false; // not yet
    }
  }

  private static File binary() {
    String named = System.getProperty("relay.redis.binary");
    try {
      return named != null ? new File(named) : RedisExecProvider.defaultProvider().get();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
