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
  private @Nullable ByteBuffer lent;
  private byte @Nullable [] stands; // for what is lent

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
  @SuppressWarnings("ReferenceEquality") // one array stands for what is lent, and no equal one
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
  }

  /**
   * Lends memory outside of the heap that is to be written; before its position there may be room
   * that nobody uses.
   *
   * @return is to be written in its stead, with the length of what is lent
   */
  byte[] lend(ByteBuffer direct) {
    lent = direct;
    stands = new byte[0];
    return stands;
  }

  /** Nothing is lent any more. */
  void takeBack() {
    lent = null;
    stands = null;
  }

  /** With what was gathered right before it, if there is room, so that both are one write. */
  private void writeLent(int length) throws IOException {
    ByteBuffer direct = lent;
    if (direct == null || direct.remaining() != length) {
      throw new IOException("what was lent is written as a whole, and once");
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
