package relay.stream;

import java.util.Locale;
import java.util.zip.DataFormatException;
import org.jspecify.annotations.Nullable;

/**
 * Decodes a copy of a compressed answer for usage scanning. The client gets the original bytes. A
 * decoding error or too much output stops only the tap.
 *
 * <p>Holds native memory until {@link #close}. Not thread-safe.
 */
public final class DecodingTap implements AutoCloseable {
  /** Bounds a call's output: at most this plus {@link #MAX_RATIO} times its input, in bytes. */
  static final int MAX_OUTPUT_PER_CALL = 1024 * 1024;

  static final int MAX_RATIO = 32;

  /** Receives the decoded bytes. */
  public interface Reader {
    /** Receives the next bytes; must not keep the buffer. */
    void feed(byte[] buf, int off, int len);
  }

  private final Reader reader;
  private @Nullable InflateDecoder decoder; // null once stopped
  private long left; // output that this call may still make

  private DecodingTap(InflateDecoder decoder, Reader reader) {
    this.decoder = decoder;
    this.reader = reader;
  }

  /**
   * Whether Relay reads answers in an encoding, so that a provider may be asked for it.
   *
   * @param encoding in lower case
   */
  public static boolean reads(String encoding) {
    return encoding.equals("gzip") || encoding.equals("deflate");
  }

  /**
   * A tap for a {@code content-encoding}.
   *
   * @return null if the encoding cannot be read
   */
  public static @Nullable DecodingTap of(@Nullable String encoding, Reader reader) {
    return switch (encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> gzip(reader);
      case "deflate" -> deflate(reader);
      default -> null;
    };
  }

  static DecodingTap gzip(Reader reader) {
    return new DecodingTap(new InflateDecoder(true), reader);
  }

  static DecodingTap deflate(Reader reader) {
    return new DecodingTap(new InflateDecoder(false), reader);
  }

  /** Decodes the next bytes for the reader; the buffer is not kept. */
  public void feed(byte[] buf, int off, int len) {
    InflateDecoder decoding = decoder;
    if (decoding == null) {
      return;
    }
    left = MAX_OUTPUT_PER_CALL + (long) MAX_RATIO * len;
    try {
      decoding.decode(buf, off, len, this::decoded);
    } catch (DataFormatException e) {
      close();
    }
  }

  private void decoded(byte[] block, int length) throws DataFormatException {
    reader.feed(block, 0, length);
    left -= length;
    if (left < 0) {
      throw new DataFormatException("too much output");
    }
  }

  /** Whether decoding failed, so that the reader did not get the whole answer. */
  public boolean stopped() {
    return decoder == null;
  }

  /** Frees the native memory. May be called twice. */
  @Override
  public void close() {
    InflateDecoder ended = decoder;
    decoder = null;
    if (ended != null) {
      ended.close();
    }
  }
}
