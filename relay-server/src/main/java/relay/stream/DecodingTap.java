package relay.stream;

import java.util.zip.DataFormatException;
import org.jspecify.annotations.Nullable;
import relay.memory.MemoryBudget;

/**
 * Decodes a copy of a compressed answer for usage scanning. The client gets the original bytes. A
 * decoding error, too much output, or a lack of memory stops only the tap.
 *
 * <p>Holds native memory until {@link #close}. Not thread-safe.
 */
public final class DecodingTap implements AutoCloseable {
  /** Bounds a call's output: at most this plus {@link #MAX_RATIO} times its input, in bytes. */
  static final int MAX_OUTPUT_PER_CALL = 1024 * 1024;

  static final int MAX_RATIO = 32;

  /** A decoder's state and tables, and the steps in which its window is charged. */
  static final int STEP_BYTES = 256 * 1024;

  /** Receives the decoded bytes. */
  public interface Reader {
    /** Receives the next bytes; must not keep the buffer. */
    void feed(byte[] buf, int off, int len);
  }

  private final Reader reader;
  private final @Nullable MemoryBudget memory;
  private @Nullable Decoder decoder; // null once stopped
  private long left; // output that this call may still make
  private long produced;
  private long charged;

  private DecodingTap(Decoder decoder, Reader reader, @Nullable MemoryBudget memory) {
    this.decoder = decoder;
    this.reader = reader;
    this.memory = memory;
  }

  /** Gzip with one or more members. */
  static DecodingTap gzip(Reader reader) {
    return new DecodingTap(new InflateDecoder(true), reader, null);
  }

  /** Deflate in the zlib format of the standard, or raw as some servers send it. */
  static DecodingTap deflate(Reader reader) {
    return new DecodingTap(new InflateDecoder(false), reader, null);
  }

  /** A decoder whose window may be large: what it has filled of it is charged. */
  static DecodingTap charged(Decoder decoder, Reader reader, MemoryBudget memory) {
    DecodingTap tap = new DecodingTap(decoder, reader, memory);
    if (!tap.charge(STEP_BYTES)) {
      tap.close();
    }
    return tap;
  }

  /** Decodes the next bytes for the reader; the buffer is not kept. */
  public void feed(byte[] buf, int off, int len) {
    Decoder decoding = decoder;
    if (decoding == null) {
      return;
    }
    left = MAX_OUTPUT_PER_CALL + (long) MAX_RATIO * len;
    try {
      decoding.decode(buf, off, len, (block, n) -> decoded(decoding, block, n));
    } catch (DataFormatException e) {
      close();
    }
  }

  private void decoded(Decoder decoding, byte[] block, int length) throws DataFormatException {
    reader.feed(block, 0, length);
    left -= length;
    produced += length;
    if (left < 0) {
      throw new DataFormatException("too much output");
    }
    long window = Math.min(produced, decoding.windowBytes());
    while (charged < STEP_BYTES + window && memory != null) {
      if (!charge(STEP_BYTES)) {
        throw new DataFormatException("no memory");
      }
    }
  }

  private boolean charge(long bytes) {
    if (memory == null || !memory.take(bytes)) {
      return false;
    }
    charged += bytes;
    return true;
  }

  /** Whether decoding failed, so that the reader did not get the whole answer. */
  public boolean stopped() {
    return decoder == null;
  }

  /** Frees the native memory. May be called twice. */
  @Override
  public void close() {
    Decoder ended = decoder;
    decoder = null;
    if (ended == null) {
      return;
    }
    ended.close();
    if (memory != null) {
      memory.giveBack(charged);
    }
  }
}
