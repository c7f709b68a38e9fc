package relay.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Arrays;

/** Checks whether the Redis of a directory answers on a port. */
final class RedisProbe {
  private static final int TIMEOUT_MS = 200;

  private RedisProbe() {}

  /** Compares the directory too: another Redis may have taken the port. */
  static boolean answers(int port, Path directory) {
    String path = directory.toString();
    byte[] expected =
        ("+PONG\r\n*2\r\n$3\r\ndir\r\n$" + path.getBytes(UTF_8).length + "\r\n" + path + "\r\n")
            .getBytes(UTF_8);
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), TIMEOUT_MS);
      socket.setSoTimeout(TIMEOUT_MS);
      socket.getOutputStream().write("PING\r\nCONFIG GET dir\r\n".getBytes(UTF_8));
      return Arrays.equals(expected, socket.getInputStream().readNBytes(expected.length));
    } catch (IOException e) {
      return false; // not started yet, or not a Redis
    }
  }
}
