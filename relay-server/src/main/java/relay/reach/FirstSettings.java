package relay.reach;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A client's output of HTTP/2 that states another window of its streams than the client's own code
 * does. The window stands in the SETTINGS frame right after the connection preface (RFC 9113,
 * section 3.4). A second SETTINGS frame could state it, too, but a server that applies it late
 * would then send too much.
 */
final class FirstSettings extends FilterOutputStream {
  private static final int PREFACE_BYTES = 24;
  private static final int HEAD_BYTES = 9;
  private static final int ENTRY_BYTES = 6;
  private static final int BEFORE_ENTRIES = PREFACE_BYTES + HEAD_BYTES;
  private static final int INITIAL_WINDOW_SIZE = 4;

  private final int windowBytes;
  private @Nullable ByteArrayOutputStream held = new ByteArrayOutputStream(); // null = it has left

  FirstSettings(OutputStream out, int windowBytes) {
    super(out);
    this.windowBytes = windowBytes;
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    ByteArrayOutputStream begin = held;
    if (begin == null) {
      out.write(bytes, offset, length);
      return;
    }
    begin.write(bytes, offset, length);
    byte[] all = begin.toByteArray();
    int end = end(all);
    if (all.length >= end) {
      for (int at = BEFORE_ENTRIES; at + ENTRY_BYTES <= end; at += ENTRY_BYTES) {
        ByteBuffer entry = ByteBuffer.wrap(all, at, ENTRY_BYTES);
        if (entry.getShort() == INITIAL_WINDOW_SIZE) {
          entry.putInt(windowBytes);
        }
      }
      held = null;
      out.write(all);
    }
  }

  /** Where the frame ends; at least where its own length is known. */
  private static int end(byte[] all) {
    if (all.length < BEFORE_ENTRIES) {
      return BEFORE_ENTRIES;
    }
    return BEFORE_ENTRIES + (ByteBuffer.wrap(all, PREFACE_BYTES, Integer.BYTES).getInt() >>> 8);
  }
}
