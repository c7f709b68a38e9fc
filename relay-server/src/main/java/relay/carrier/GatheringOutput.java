package relay.carrier;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gathers bytes until a flush, and writes them together. OkHttp writes a request in segments of 8
 * KiB, each of which would be a system call and a packet. The buffer is direct memory from a pool,
 * held during a request only.
 */
final class GatheringOutput extends OutputStream {
  /** Bytes gathered at most. */
  static final int ROOM = 64 * 1024;

  private final Sink sink;
  private final Runnable onClose;
  private final SpareBuffers rooms;
  private @Nullable ByteBuffer room;
  private @Nullable ByteBuffer lent;
  private byte @Nullable [] stands; // stands for the lent memory
  private boolean eager;

  /** The destination. */
  @FunctionalInterface
  interface Sink {
    /** Writes all bytes. Blocks. */
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
  @SuppressWarnings("ReferenceEquality") // identity: an equal array is not the lent one
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (bytes == stands) {
      writeLent(length);
      return;
    }
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
    if (eager) {
      flush();
    }
  }

  /** From now on writes at once: over HTTP/2, OkHttp may wait for its peer without a flush. */
  void writeAtOnce() {
    eager = true;
  }

  /**
   * Lends direct memory for a write. The room before its position is free for a head.
   *
   * @return an array to write in its place, with the length of the lent memory
   */
  byte[] lend(ByteBuffer direct) {
    lent = direct;
    stands = new byte[0];
    return stands;
  }

  /** Ends the loan. */
  void takeBack() {
    lent = null;
    stands = null;
  }

  /**
   * Copies the gathered bytes right before the lent ones, if there is room: both leave in one
   * write.
   */
  private void writeLent(int length) throws IOException {
    ByteBuffer direct = lent;
    if (direct == null || direct.remaining() != length) {
      throw new IOException("a lent body must be written once, in one call");
    }
    lent = null;
    ByteBuffer head = room;
    if (head != null && head.position() <= direct.position()) {
      room = null;
      int start = direct.position() - head.position();
      direct.put(start, head, 0, head.position()).position(start);
      rooms.giveBack(head);
    } else {
      flush();
    }
    sink.write(direct);
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
