package relay.memory;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The heap bytes that all peers together may make a replica hold: unfinished heads, requests,
 * bodies, and buffers of stalled streams. Callers charge an estimate before they allocate, in steps
 * so large that a request pays for one or two additions. Lock-free: carriers may use it.
 *
 * <p>A {@linkplain #share share} bounds one purpose, and also counts against the whole. So
 * strangers cannot use up the memory of clients, nor large bodies that of small ones.
 */
public final class MemoryBudget {
  /**
   * Half the heap. An idle replica uses about 40 MB, the collector needs room for garbage, and the
   * charges are estimates.
   */
  private static final int HEAP_DIVISOR = 2;

  /** What is held may not shut newcomers out: this part of the whole is for them alone. */
  private static final int NEWCOMERS_DIVISOR = 8;

  /** Smaller heaps than twice this are too small for Relay itself. */
  private static final long FLOOR_BYTES = 16L << 20;

  private final long totalBytes;
  private final long heldBytes; // the most for other purposes than newcomers
  private final @Nullable MemoryBudget whole;
  private final AtomicLong usedBytes = new AtomicLong();

  private MemoryBudget(long totalBytes, long heldBytes, @Nullable MemoryBudget whole) {
    this.totalBytes = totalBytes;
    this.heldBytes = heldBytes;
    this.whole = whole;
  }

  /**
   * The budget of a replica.
   *
   * @param heapBytes the largest heap, as from {@link Runtime#maxMemory}
   */
  public static MemoryBudget ofHeap(long heapBytes) {
    long bytes = Math.max(FLOOR_BYTES, heapBytes / HEAP_DIVISOR);
    return new MemoryBudget(bytes, bytes - bytes / NEWCOMERS_DIVISOR, null);
  }

  /** The budget of a replica in this process. */
  public static MemoryBudget ofProcess() {
    return of(Runtime.getRuntime().maxMemory(), ProcessMemory.limitBytes());
  }

  /**
   * The budget of a replica whose container may be small. The kernel ends a container that exceeds
   * its limit, and all its streams with it, so requests are refused before: what a client holds
   * takes memory outside of the heap as well.
   *
   * @param heapBytes the largest heap, as from {@link Runtime#maxMemory}
   * @param limitBytes of the container or the machine
   */
  public static MemoryBudget of(long heapBytes, long limitBytes) {
    long left = (limitBytes - ProcessMemory.IDLE_BYTES) / ProcessMemory.BYTES_FOR_ONE;
    return ofHeap(Math.min(heapBytes, Math.max(0, left) * HEAP_DIVISOR));
  }

  /** What to tell an operator if this process may use too little memory for any load. */
  public static Optional<String> warning() {
    return ProcessMemory.warning(
        ProcessMemory.limitBytes(),
        Runtime.getRuntime().maxMemory() + ProcessMemory.mostDirectBytes());
  }

  /** A part of this budget, for one purpose: a half, a quarter. */
  public MemoryBudget share(int divisor) {
    return new MemoryBudget(totalBytes / divisor, totalBytes / divisor, this);
  }

  /** Charges bytes, or returns false: there is no room for them. */
  public boolean take(long bytes) {
    return take(bytes, heldBytes);
  }

  /** Charges a new connection or request, which may also use the part that others leave free. */
  public boolean takeForNewcomer(long bytes) {
    return take(bytes, totalBytes);
  }

  /** Compares before it adds: a large charge that fails must not refuse a small one meanwhile. */
  private boolean take(long bytes, long mostBytes) {
    long before = usedBytes.get();
    while (before + bytes <= mostBytes) {
      long now = usedBytes.compareAndExchange(before, before + bytes);
      if (now == before) {
        return whole == null || whole.take(bytes) || takenBack(bytes);
      }
      before = now;
    }
    return false;
  }

  private boolean takenBack(long bytes) {
    usedBytes.addAndGet(-bytes);
    return false;
  }

  /** Ends a charge. */
  public void giveBack(long bytes) {
    usedBytes.addAndGet(-bytes);
    if (whole != null) {
      whole.giveBack(bytes);
    }
  }

  /** The part that only {@link #takeForNewcomer} may use. */
  public long newcomersBytes() {
    return totalBytes - heldBytes;
  }

  /** The most bytes that may be charged. */
  public long totalBytes() {
    return totalBytes;
  }

  /** The bytes that are charged now. */
  public long usedBytes() {
    return usedBytes.get();
  }
}
