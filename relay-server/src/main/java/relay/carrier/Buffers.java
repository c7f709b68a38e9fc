package relay.carrier;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Undertow's buffers. Its own pool has a cache per thread, useless for virtual threads, and a lock
 * that virtual threads hold while they wait for another one.
 */
public final class Buffers implements ByteBufferPool {
  private static final int SPARE = 256;

  private final SpareBuffers spare;
  private final ByteBufferPool onHeap;

  /**
   * @param size of each, in bytes
   */
  public Buffers(int size) {
    this(size, true);
  }

  private Buffers(int size, boolean direct) {
    spare = new SpareBuffers(size, direct, SPARE);
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
        spare.giveBack(buffer);
      }
    }

    @Override
    public boolean isOpen() {
      return open.get();
    }
  }

  @Override
  public PooledByteBuffer allocate() {
    return new Pooled(spare.take());
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
    return spare.size();
  }

  @Override
  public boolean isDirect() {
    return spare.areDirect();
  }
}
