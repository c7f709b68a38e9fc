package relay.carrier;

import java.nio.ByteBuffer;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers of one size that are used again and again, without locks. The one that came back last is
 * taken first: the processor's caches may still hold it, and those that nobody needs stay cold.
 */
public final class SpareBuffers {
  private final int size;
  private final boolean direct;
  private final int most;
  private final Deque<ByteBuffer> spare = new ConcurrentLinkedDeque<>();
  private final AtomicInteger count = new AtomicInteger();

  /**
   * @param size of each, in bytes
   * @param direct whether they are outside the heap
   * @param most so many are kept; what is beyond was for a moment with much to do
   */
  public SpareBuffers(int size, boolean direct, int most) {
    this.size = size;
    this.direct = direct;
    this.most = most;
  }

  /** A buffer with all its room. What it holds may be anything. */
  public ByteBuffer take() {
    ByteBuffer known = spare.pollFirst();
    if (known != null) {
      count.getAndDecrement();
      return known.clear();
    }
    return direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
  }

  /** Takes a buffer back that nobody uses any more. */
  public void giveBack(ByteBuffer buffer) {
    if (count.getAndIncrement() < most) {
      spare.addFirst(buffer);
    } else {
      count.getAndDecrement();
    }
  }

  /** How many are spare now. */
  int count() {
    return count.get();
  }

  int size() {
    return size;
  }

  boolean areDirect() {
    return direct;
  }

  /** Leaves the spare ones to the collector. */
  void clear() {
    while (spare.pollFirst() != null) {
      count.getAndDecrement();
    }
  }
}
