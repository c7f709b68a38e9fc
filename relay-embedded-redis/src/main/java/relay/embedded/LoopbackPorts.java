package relay.embedded;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * TCP ports of 127.0.0.1 that no program listens on. They lie below the ports that systems give to
 * outgoing connections (Linux: from 32,768), so only another server may take one before its use.
 */
public final class LoopbackPorts {
  private static final int LOWEST = 20_000;
  private static final int END = 32_768;
  private static final int MOST_TRIES = 1_000;

  private LoopbackPorts() {}

  /** A free port. */
  public static int free() throws IOException {
    return free(1)[0];
  }

  /** Free ports, all different. */
  public static int[] free(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      int[] ports = new int[count];
      for (int i = 0; i < count; i++) {
        ServerSocket socket = bound();
        sockets.add(socket);
        ports[i] = socket.getLocalPort();
      }
      return ports;
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  private static ServerSocket bound() throws IOException {
    InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
    for (int tries = 1; ; tries++) {
      int port = ThreadLocalRandom.current().nextInt(LOWEST, END);
      try {
        return new ServerSocket(port, 1, loopback);
      } catch (BindException taken) {
        if (tries == MOST_TRIES) {
          throw taken;
        }
      }
    }
  }
}
