package relay.redis;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import redis.embedded.RedisExecProvider;

/**
 * A private Redis server: the binary from {@code -Drelay.redis.binary}, else the one of
 * embedded-redis. It persists nothing and ends with the JVM.
 */
public final class OwnRedis implements AutoCloseable {
  private final Process process;
  private final int port;
  private final Thread atExit;

  private OwnRedis(Process process, int port) {
    this.process = process;
    this.port = port;
    atExit = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /** Starts a server and waits until it is ready. */
  public static OwnRedis start() throws IOException {
    String named = System.getProperty("relay.redis.binary");
    File binary = named != null ? new File(named) : RedisExecProvider.defaultProvider().get();
    int port = freePort();
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
            "no");
    Process process =
        new ProcessBuilder(command)
            .directory(new File(System.getProperty("java.io.tmpdir", ".")))
            .redirectErrorStream(true)
            .start();
    OwnRedis redis = new OwnRedis(process, port);
    BufferedReader log = process.inputReader();
    for (String line = log.readLine(); ; line = log.readLine()) {
      if (line == null) {
        throw new IOException(binary + " ended before it was ready");
      }
      if (line.contains("eady to accept connections")) {
        break;
      }
    }
    Thread.ofVirtual()
        .start(
            () ->
                log.lines()
                    .forEach(line -> {})); // drain the output: a full pipe would block the server
    return redis;
  }

  /** The server's URL. */
  public String url() {
    return "redis://127.0.0.1:" + port;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }

  /** A free port. */
  public static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
