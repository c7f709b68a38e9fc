package relay.guards;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts the bytes that the calling thread allocates. */
public final class Allocation {
  private static final int WARM_CALLS = 100; // classes are loaded, call sites linked
  private static final int CALLS = 200;

  private Allocation() {}

  /**
   * Bytes a call, as the interpreter allocates: the optimizing compiler may spare some, never adds.
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
