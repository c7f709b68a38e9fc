package relay.stream;

import java.util.Locale;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Decodes a copy of a compressed answer for usage scanning. The client gets the original bytes. A
 * decoding error stops only the tap. Checksums are not verified: the client does that.
 *
 * <p>Holds native memory until {@link #close}. Not thread-safe.
 */
public final class DecodingTap implements AutoCloseable {
  /** Bounds a call's output: at most this plus {@link #MAX_RATIO} times its input, in bytes. */
  static final int MAX_OUTPUT_PER_CALL = 1024 * 1024;

  static final int MAX_RATIO = 32;

  private static final int TRAILER_BYTES = 8;
  private static final int BLOCK_BYTES = 8 * 1024;

  /** Receives the decoded bytes. */
  public interface Reader {
    /** Receives the next bytes; must not keep the buffer. */
    void feed(byte[] buf, int off, int len);
  }

  private enum State {
    GZIP_HEADER,
    ZLIB_OR_RAW,
    BODY,
    GZIP_TRAILER,
    ENDED, // after a deflate body: ignore the rest
    STOPPED
  }

  private final Reader reader;
  private final boolean gzip;
  private final GzipHeader header = new GzipHeader();
  private final byte[] block = new byte[BLOCK_BYTES];

  private State state;
  private Inflater inflater;
  private int trailer;
  private int firstByte = -1; // of a deflate body, held until the second byte shows the format

  private DecodingTap(Reader reader, boolean gzip) {
    this.reader = reader;
    this.gzip = gzip;
    this.inflater = new Inflater(true);
    this.state = gzip ? State.GZIP_HEADER : State.ZLIB_OR_RAW;
  }

  /**
   * A tap for a {@code content-encoding}.
   *
   * @return null if the encoding is neither gzip nor deflate
   */
  public static @Nullable DecodingTap of(@Nullable String encoding, Reader reader) {
    return switch (encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> gzip(reader);
      case "deflate" -> deflate(reader);
      default -> null;
    };
  }

  /** Gzip with one or more members. */
  static DecodingTap gzip(Reader reader) {
    return new DecodingTap(reader, true);
  }

  /** Deflate in the zlib format of the standard, or raw as some servers send it. */
  static DecodingTap deflate(Reader reader) {
    return new DecodingTap(reader, false);
  }

  /** Decodes the next bytes for the reader; the buffer is not kept. */
  public void feed(byte[] buf, int off, int len) {
    int end = off + len;
    int p = off;
    long budget = MAX_OUTPUT_PER_CALL + (long) MAX_RATIO * len;
    while (p < end && reads()) {
      switch (state) {
        case GZIP_HEADER -> {
          header.accept(buf[p++] & 0xff);
          if (header.done()) {
            state = State.BODY;
          } else if (header.invalid()) {
            close();
          }
        }
        case ZLIB_OR_RAW -> budget = chooseFormat(buf[p++] & 0xff, budget);
        case BODY -> {
          long left = inflate(buf, p, end, budget);
          p = end - (reads() ? inflater.getRemaining() : 0);
          budget = left;
        }
        case GZIP_TRAILER -> {
          p++;
          if (++trailer == TRAILER_BYTES) {
            header.reset();
            inflater.reset();
            state = State.GZIP_HEADER;
          }
        }
        case ENDED, STOPPED -> {}
      }
    }
  }

  /**
   * RFC 1950: a zlib header has method 8 and its two bytes are a multiple of 31. Anything else is
   * raw deflate.
   */
  private long chooseFormat(int b, long budget) {
    if (firstByte < 0) {
      firstByte = b;
      return budget;
    }
    if ((firstByte & 0x0f) == 8 && ((firstByte << 8) | b) % 31 == 0) {
      inflater.end();
      inflater = new Inflater(false);
    }
    state = State.BODY;
    return inflate(new byte[] {(byte) firstByte, (byte) b}, 0, 2, budget);
  }

  /** Decodes until the input is consumed or the body ends; returns the remaining budget. */
  private long inflate(byte[] buf, int from, int end, long budget) {
    long left = budget;
    inflater.setInput(buf, from, end - from);
    try {
      while (true) {
        int n = inflater.inflate(block, 0, BLOCK_BYTES);
        reader.feed(block, 0, n);
        left -= n;
        if (inflater.finished()) {
          trailer = 0;
          if (gzip) {
            state = State.GZIP_TRAILER;
          } else {
            close();
            state = State.ENDED;
          }
          return left;
        }
        if (n < BLOCK_BYTES && inflater.needsInput()) {
          return left;
        }
        if (left < 0 || inflater.needsDictionary()) {
          close();
          return left;
        }
      }
    } catch (DataFormatException e) {
      close();
      return left;
    }
  }

  private boolean reads() {
    return state != State.ENDED && state != State.STOPPED;
  }

  /** Whether decoding failed, so that the reader did not get the whole answer. */
  public boolean stopped() {
    return state == State.STOPPED;
  }

  /** Frees the native memory. May be called twice. */
  @Override
  public void close() {
    state = State.STOPPED;
    inflater.end();
  }
}
