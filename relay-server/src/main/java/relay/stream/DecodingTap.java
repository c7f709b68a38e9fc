package relay.stream;

import java.util.Locale;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Reads a compressed answer beside its way to the client, which gets the bytes as they came. What
 * cannot be decoded stops the reading and nothing else. Checksums are the client's business and are
 * not verified.
 *
 * <p>Holds native memory until {@link #close}. Not thread-safe.
 */
public final class DecodingTap implements AutoCloseable {
  /** A call decodes at most this much, and {@link #MAX_RATIO} times what it was given. */
  static final int MAX_OUTPUT_PER_CALL = 1024 * 1024;

  static final int MAX_RATIO = 32;

  private static final int TRAILER_BYTES = 8;
  private static final int BLOCK_BYTES = 8 * 1024;

  /** Who reads what is decoded. */
  public interface Reader {
    /** Reads the next bytes; the buffer is not kept. */
    void feed(byte[] buf, int off, int len);
  }

  private enum State {
    GZIP_HEADER,
    ZLIB_OR_RAW,
    BODY,
    GZIP_TRAILER,
    ENDED, // a deflate body; what follows it is not looked at
    STOPPED
  }

  private final Reader reader;
  private final boolean gzip;
  private final GzipHeader header = new GzipHeader();
  private final byte[] block = new byte[BLOCK_BYTES];

  private State state;
  private Inflater inflater;
  private int trailer;
  private int firstByte = -1; // of a deflate body, until the second tells its kind

  private DecodingTap(Reader reader, boolean gzip) {
    this.reader = reader;
    this.gzip = gzip;
    this.inflater = new Inflater(true);
    this.state = gzip ? State.GZIP_HEADER : State.ZLIB_OR_RAW;
  }

  /**
   * For a body with this {@code content-encoding}.
   *
   * @return null if it is neither gzip nor deflate
   */
  public static @Nullable DecodingTap of(@Nullable String encoding, Reader reader) {
    return switch (encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> gzip(reader);
      case "deflate" -> deflate(reader);
      default -> null;
    };
  }

  /** Of one member or several. */
  static DecodingTap gzip(Reader reader) {
    return new DecodingTap(reader, true);
  }

  /** Zlib as the standard has it, or raw as some send it. */
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

  /** RFC 1950: the method is 8 and the two bytes are a multiple of 31; else there is no header. */
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

  /** Decodes until the input is used or the body ends; returns what is left of the budget. */
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

  /** Whether something could not be decoded, so that what was read is not all that came. */
  public boolean stopped() {
    return state == State.STOPPED;
  }

  /** Frees the native memory; what was read stays. May be called twice. */
  @Override
  public void close() {
    state = State.STOPPED;
    inflater.end();
  }
}
