package relay.carrier;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Writes what came since the last flush as one: OkHttp hands a request over in segments of 8 KiB,
 * and each would be a system call, and a packet, of its own. It is gathered where the system can
 * take it from. Between requests this holds nothing: the room comes from a pool and goes back.
 */
final class GatheringOutput extends OutputStream {
  /** Bytes gathered at most. */
  static final int ROOM = 64 * 1024;

  private final Sink sink;
  private final Runnable onClose;
  private final SpareBuffers rooms;
  private @Nullable ByteBuffer room;

  /** Where it goes. */
  @FunctionalInterface
  interface Sink {
    /** Takes all of it, waiting if it must. */
    void write(ByteBuffer bytes) throws IOException;
  }

  /**
   * @param rooms of {@link #ROOM} bytes each
   */
  GatheringOutput(Sink sink, Runnable onClose, SpareBuffers rooms) {
    this.sink = sink;
    this.onClose = onClose;
    this.rooms = rooms;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int from = offset;
    int left = length;
    while (left > 0) {
      ByteBuffer place = place();
      int some = Math.min(left, place.remaining());
      place.put(bytes, from, some);
      from += some;
      left -= some;
      if (!place.hasRemaining()) {
        flush();
      }
    }
  }

  private ByteBuffer place() {
    ByteBuffer known = room;
    if (known == null) {
      known = rooms.take();
      room = known;
    }
    return known;
  }

  @Override
  public void flush() throws IOException {
    ByteBuffer full = room;
    if (full != null) {
      room = null;
      try {
        sink.write(full.flip());
      } finally {
        rooms.giveBack(full);
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      flush();
    } finally {
      onClose.run();
    }
  }
}
