package relay.carrier;

import java.nio.ByteBuffer;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A lock-free pool of buffers of one size. The buffer returned last is taken first: it may still be
 * in the processor's caches. Unneeded buffers stay cold.
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
   * @param most buffers kept; those beyond served a burst and are dropped
   */
  public SpareBuffers(int size, boolean direct, int most) {
    this.size = size;
    this.direct = direct;
    this.most = most;
  }

  /** A cleared buffer, with arbitrary contents. */
  public ByteBuffer take() {
    ByteBuffer known = spare.pollFirst();
    if (known != null) {
      count.getAndDecrement();
      return known.clear();
    }
    return direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
  }

  /** Returns a buffer that is no longer used. */
  public void giveBack(ByteBuffer buffer) {
    if (count.getAndIncrement() < most) {
      spare.addFirst(buffer);
    } else {
      count.getAndDecrement();
    }
  }

  /** Spare buffers now. */
  int count() {
    return count.get();
  }

  int size() {
    return size;
  }

  boolean areDirect() {
    return direct;
  }

  /** Drops all spare buffers. */
  void clear() {
    while (spare.pollFirst() != null) {
      count.getAndDecrement();
    }
  }
}
