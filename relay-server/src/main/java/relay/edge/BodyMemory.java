package relay.edge;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import relay.body.BodyBuffers;
import relay.body.Payload;
import relay.memory.MemoryBudget;

/** What the array of one body holds of the memory budget. One thread at a time. */
final class BodyMemory {
  /** Bodies of at most this size are part of the request's own charge. */
  private static final int FREE_BYTES = 8 * 1024;

  /** How long a large body waits for others to end. Then the client is asked to try again. */
  private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final BodyBuffers bodies;
  private long small;
  private long large;

  BodyMemory(BodyBuffers bodies) {
    this.bodies = bodies;
  }

  /**
   * Charges an array before it is allocated. Blocks briefly if it is large and there is no room.
   *
   * @return false if there is no room
   */
  boolean grow(int bytes) {
    if (bytes <= FREE_BYTES) {
      return true;
    }
    if (bytes <= BodyBuffers.BYTES) {
      if (!bodies.memory().take(bytes - small)) {
        return false;
      }
      small = bytes;
      return true;
    }
    long more = (long) BodyBuffers.LARGE_COPIES * bytes - large;
    if (!takeLarge(more)) {
      return false;
    }
    large += more;
    return true;
  }

  private boolean takeLarge(long bytes) {
    MemoryBudget budget = bodies.large();
    long until = System.nanoTime() + WAIT_NANOS;
    while (!budget.take(bytes)) {
      if (bytes > budget.totalBytes() || System.nanoTime() - until >= 0) {
        return false;
      }
      bodies.slow().endSlowest();
      LockSupport.parkNanos(this, LOOK_NANOS);
    }
    return true;
  }

  /** Hands the charge to a body, whose release ends it. */
  Payload own(byte[] bytes) {
    if (small == 0 && large == 0) {
      return Payload.of(bytes);
    }
    BodyMemory owned = new BodyMemory(bodies);
    owned.small = small;
    owned.large = large;
    small = 0;
    large = 0;
    return Payload.of(bytes, owned::release);
  }

  /** Ends the charge. */
  void release() {
    if (small > 0) {
      bodies.memory().giveBack(small);
      small = 0;
    }
    if (large > 0) {
      bodies.large().giveBack(large);
      large = 0;
    }
  }
}
