package relay.guards;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts the bytes that the calling thread allocates. */
public final class Allocation {
  private static final int WARM_CALLS = 100; // to load classes and link call sites
  private static final int CALLS = 200;

  private Allocation() {}

  /**
   * Allocated bytes per call in the interpreter: the JIT compiler may remove allocations, but never
   * adds any.
   */
  public static double bytesPerCall(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int n = 0; n < WARM_CALLS; n++) {
      call.run();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int n = 0; n < CALLS; n++) {
      call.run();
    }
    return (double) (threads.getCurrentThreadAllocatedBytes() - before) / CALLS;
  }
}
