package relay.carrier;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Undertow's buffers. Its own pool keeps a cache for each thread, of which a virtual one makes no
 * use, and a lock that virtual threads hold while they wait for another.
 */
public final class Buffers implements ByteBufferPool {
  /** So many are kept; what is beyond was for a moment with much to do. */
  private static final int SPARE = 256;

  private final int size;
  private final boolean direct;
  private final Queue<ByteBuffer> spare = new ConcurrentLinkedQueue<>();
  private final AtomicInteger spares = new AtomicInteger();
  private final ByteBufferPool onHeap;

  /**
   * @param size of each, in bytes
   */
  public Buffers(int size) {
    this(size, true);
  }

  private Buffers(int size, boolean direct) {
    this.size = size;
    this.direct = direct;
    onHeap = direct ? new Buffers(size, false) : this;
  }

  private final class Pooled implements PooledByteBuffer {
    private final ByteBuffer buffer;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Pooled(ByteBuffer buffer) {
      this.buffer = buffer;
    }

    @Override
    public ByteBuffer getBuffer() {
      if (!open.get()) {
        throw new IllegalStateException("the buffer was given back");
      }
      return buffer;
    }

    @Override
    public void close() {
      if (open.compareAndSet(true, false)) {
        giveBack(buffer);
      }
    }

    @Override
    public boolean isOpen() {
      return open.get();
    }
  }

  @Override
  public PooledByteBuffer allocate() {
    ByteBuffer known = spare.poll();
    if (known == null) {
      known = direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
    } else {
      spares.getAndDecrement();
    }
    return new Pooled(known);
  }

  private void giveBack(ByteBuffer buffer) {
    if (spares.getAndIncrement() < SPARE) {
      spare.add(buffer.clear());
    } else {
      spares.getAndDecrement();
    }
  }

  @Override
  public ByteBufferPool getArrayBackedPool() {
    return onHeap;
  }

  @Override
  public void close() {
    spare.clear();
  }

  @Override
  public int getBufferSize() {
    return size;
  }

  @Override
  public boolean isDirect() {
    return direct;
  }
}
