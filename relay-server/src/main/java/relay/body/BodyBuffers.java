package relay.body;

import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import relay.carrier.SpareBuffers;
import relay.memory.MemoryBudget;

/**
 * A replica's memory for request bodies. A body in a direct buffer passes from the client's socket
 * to the provider's without a copy. An array needs zeroing and two copies: a fifth of the cost of a
 * 50 KB body. Thread-safe.
 */
public final class BodyBuffers {
  /** The size of a buffer for reading, in bytes. */
  public static final int BYTES = 64 * 1024;

  /** Room before the body, for the request head that is sent with it. */
  static final int HEADROOM = 2 * 1024;

  /** A body of at most this size is cheaper in an array. */
  private static final int SMALL = 8 * 1024;

  /** The most buffers that bodies hold at once. Further bodies use arrays, which cost more. */
  private static final int MOST_HELD = 256;

  /** Large bodies get half of the memory: the other half always serves small requests. */
  private static final int LARGE_SHARE = 2;

  /** A large body counts twice: Relay may edit a copy of it, or copy it while it grows. */
  public static final int LARGE_COPIES = 2;

  private final SpareBuffers direct = new SpareBuffers(BYTES, true, MOST_HELD);
  private final SpareBuffers arrays = new SpareBuffers(BYTES, false, MOST_HELD);
  private final Semaphore free = new Semaphore(MOST_HELD);
  private final MemoryBudget memory;
  private final MemoryBudget large;
  private final SlowBodies slow = new SlowBodies(System::nanoTime);

  /**
   * @param memory the heap that all clients together may use
   */
  public BodyBuffers(MemoryBudget memory) {
    this.memory = memory;
    large = memory.share(LARGE_SHARE);
  }

  /** The heap that all clients together may use. */
  public MemoryBudget memory() {
    return memory;
  }

  /** The part of the heap for bodies of more than {@link #BYTES}. */
  public MemoryBudget large() {
    return large;
  }

  /** The large bodies that are being read. */
  public SlowBodies slow() {
    return slow;
  }

  /** Bytes of the largest body that can be held. */
  public static long largest(MemoryBudget memory) {
    return memory.totalBytes() / LARGE_SHARE / LARGE_COPIES;
  }

  /**
   * Reserves a buffer for a body.
   *
   * @param announced bytes of the body
   * @return null if an array is to be used: the body is small, too large, or no buffer is free
   */
  public @Nullable BodyBuffer reserve(long announced) {
    boolean fits = announced > SMALL && announced < BYTES - HEADROOM;
    if (!fits || !free.tryAcquire()) {
      return null;
    }
    try {
      return new BodyBuffer(this, direct.take(), (int) announced);
    } catch (RuntimeException | Error e) { // out of direct memory
      free.release();
      throw e;
    }
  }

  /** The number of buffers that bodies hold now. */
  public int held() {
    return MOST_HELD - free.availablePermits();
  }

  /** A direct buffer of {@link #BYTES} for a non-blocking read. Return it after the read. */
  public ByteBuffer take() {
    return direct.take();
  }

  /** Returns a buffer from {@link #take}. */
  public void giveBack(ByteBuffer buffer) {
    direct.giveBack(buffer);
  }

  SpareBuffers arrays() {
    return arrays;
  }

  void release(ByteBuffer buffer) {
    direct.giveBack(buffer);
    free.release();
  }
}
