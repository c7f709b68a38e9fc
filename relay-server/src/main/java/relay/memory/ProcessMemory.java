package relay.memory;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Optional;

/** What the process may use in all: the heap, direct memory, code, classes and threads. */
final class ProcessMemory {
  /** An idle replica, with its classes, code and threads. */
  static final long IDLE_BYTES = 170L << 20;

  /**
   * A byte that is charged takes this much of the process, with direct buffers, stacks and garbage.
   * 500 streams over TLS are charged 22 MB, and took 62 MB in a container of 256 MB.
   */
  static final int BYTES_FOR_ONE = 3;

  private static final long LEAST_BYTES = 300L << 20;

  private ProcessMemory() {}

  /** The memory of the container, or of the machine if the container has no limit. */
  static long limitBytes() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Long.MAX_VALUE;
  }

  /** The limit of {@code -XX:MaxDirectMemorySize}, which is by default as the heap. */
  static long mostDirectBytes() {
    HotSpotDiagnosticMXBean options =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    long set =
        options == null ? 0 : Long.parseLong(options.getVMOption("MaxDirectMemorySize").getValue());
    return set == 0 ? Runtime.getRuntime().maxMemory() : set;
  }

  /**
   * A line for the log, if memory is short.
   *
   * @param limit of the container or the machine
   * @param ofOptions what heap and direct memory may take together
   */
  static Optional<String> warning(long limit, long ofOptions) {
    if (Math.min(limit, ofOptions) >= LEAST_BYTES) {
      return Optional.empty();
    }
    String what =
        limit <= ofOptions
            ? "the memory limit of this container or machine is " + (limit >> 20) + " MB"
            : "heap and direct memory (-Xmx, -XX:MaxDirectMemorySize) may take "
                + (ofOptions >> 20)
                + " MB together";
    return Optional.of(
        what
            + ", too little for Relay under load: requests are refused early, and the process may"
            + " still end. Give it 400 MB or more");
  }
}
