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

/** {@code relay}, in a JVM that reports the bytes allocated by its threads. */
final class CountedReplica {
  /** The system property with the port of the allocation counter. */
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
        System.err.println("the allocation counter is not available: " + e);
      }
    }
  }

  /** The bytes allocated so far by the replica with this counter port. */
  static long allocated(int port) throws IOException {
    try (Socket counter = new Socket(InetAddress.getLoopbackAddress(), port)) {
      byte[] bytes = counter.getInputStream().readAllBytes();
      return Long.parseLong(new String(bytes, StandardCharsets.US_ASCII));
    }
  }
}
