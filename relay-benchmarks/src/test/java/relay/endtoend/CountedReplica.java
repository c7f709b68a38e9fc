package relay.endtoend;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import relay.Main;

/** {@code relay}, in a JVM that reports what its threads have allocated, and read and written. */
final class CountedReplica {
  /** The system property with the port of the counter. */
  static final String PORT = "relay.counter.port";

  private static final Path SYSTEM_CALLS = Path.of("/proc/self/io"); // of Linux

  /**
   * All since the start.
   *
   * @param bytes allocated
   * @param systemCalls that read or write; 0 where the system does not count them
   */
  record Counts(long bytes, long systemCalls) {}

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
        String counts = threads.getTotalThreadAllocatedBytes() + " " + systemCalls();
        out.write(counts.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        System.err.println("the counter is not available: " + e);
      }
    }
  }

  private static long systemCalls() throws IOException {
    if (!Files.exists(SYSTEM_CALLS)) {
      return 0;
    }
    return Files.readAllLines(SYSTEM_CALLS).stream()
        .filter(line -> line.startsWith("syscr:") || line.startsWith("syscw:"))
        .mapToLong(line -> Long.parseLong(line.substring("syscr:".length()).strip()))
        .sum();
  }

  /** What the replica with this counter port has counted so far. */
  static Counts counts(int port) throws IOException {
    try (Socket counter = new Socket(InetAddress.getLoopbackAddress(), port)) {
      byte[] text = counter.getInputStream().readAllBytes();
      String[] counts = new String(text, StandardCharsets.US_ASCII).split(" ", -1);
      return new Counts(Long.parseLong(counts[0]), Long.parseLong(counts[1]));
    }
  }
}
