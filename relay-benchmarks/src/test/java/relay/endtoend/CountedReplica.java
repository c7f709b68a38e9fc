package relay.endtoend;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import relay.Main;

/** {@code relay}, in a JVM that tells how many bytes its threads have allocated. */
final class CountedReplica {
  /** A system property: the port at which whoever connects is told. */
  static final String PORT = "relay.counter.port";

  private CountedReplica() {}

  public static void main(String[] args) throws Exception {
    ServerSocket counter =
        new ServerSocket(Integer.getInteger(PORT), 8, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("counter").start(() -> tell(counter));
    Main.main(args);
  }

  private static void tell(ServerSocket counter) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    while (true) {
      try (Socket whoAsks = counter.accept();
          OutputStream out = whoAsks.getOutputStream()) {
        String bytes = Long.toString(threads.getTotalThreadAllocatedBytes());
        out.write(bytes.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        System.err.println("the counter was not told: " + e);
      }
    }
  }

  /** Bytes that the replica at whose counter's port one asks has allocated so far. */
  static long allocated(int port) throws IOException {
    try (Socket counter = new Socket(InetAddress.getLoopbackAddress(), port)) {
      byte[] bytes = counter.getInputStream().readAllBytes();
      return Long.parseLong(new String(bytes, StandardCharsets.US_ASCII));
    }
  }
}
