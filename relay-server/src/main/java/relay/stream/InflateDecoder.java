package relay.stream;

import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Gzip and deflate, whose bytes may be split anywhere. Checksums are not verified: the client does
 * that. Holds native memory. Not thread-safe.
 */
final class InflateDecoder implements AutoCloseable {
  private static final int TRAILER_BYTES = 8;
  private static final int BLOCK_BYTES = 8 * 1024;

  /** Receives what was decoded. */
  interface Output {
    /**
     * @param block must not be kept
     * @throws DataFormatException to stop the decoding
     */
    void decoded(byte[] block, int length) throws DataFormatException;
  }

  private enum State {
    GZIP_HEADER,
    ZLIB_OR_RAW,
    BODY,
    GZIP_TRAILER,
    ENDED // after a deflate body: ignore the rest
  }

  private final boolean gzip;
  private final GzipHeader header = new GzipHeader();
  private final byte[] block = new byte[BLOCK_BYTES];

  private State state;
  private Inflater inflater = new Inflater(true);
  private int trailer;
  private int firstByte = -1; // of a deflate body, held until the second byte shows the format

  /**
   * @param gzip one or more gzip members; else deflate in the zlib format of the standard, or raw
   *     as some servers send it
   */
  InflateDecoder(boolean gzip) {
    this.gzip = gzip;
    this.state = gzip ? State.GZIP_HEADER : State.ZLIB_OR_RAW;
  }

  /**
   * Decodes the next bytes; the buffer is not kept.
   *
   * @throws DataFormatException if they are invalid; then only {@link #close} may follow
   */
  void decode(byte[] buf, int off, int len, Output output) throws DataFormatException {
    int end = off + len;
    int p = off;
    while (p < end && state != State.ENDED) {
      switch (state) {
        case GZIP_HEADER -> {
          header.accept(buf[p++] & 0xff);
          if (header.done()) {
            state = State.BODY;
          } else if (header.invalid()) {
            throw new DataFormatException("no gzip header");
          }
        }
        case ZLIB_OR_RAW -> chooseFormat(buf[p++] & 0xff, output);
        case BODY -> {
          inflate(buf, p, end, output);
          p = end - inflater.getRemaining();
        }
        case GZIP_TRAILER -> {
          p++;
          if (++trailer == TRAILER_BYTES) {
            header.reset();
            inflater.reset();
            state = State.GZIP_HEADER;
          }
        }
        case ENDED -> {}
      }
    }
  }

  /**
   * RFC 1950: a zlib header has method 8 and its two bytes are a multiple of 31. Anything else is
   * raw deflate.
   */
  private void chooseFormat(int b, Output output) throws DataFormatException {
    if (firstByte < 0) {
      firstByte = b;
      return;
    }
    if ((firstByte & 0x0f) == 8 && ((firstByte << 8) | b) % 31 == 0) {
      inflater.end();
      inflater = new Inflater(false);
    }
    state = State.BODY;
    inflate(new byte[] {(byte) firstByte, (byte) b}, 0, 2, output);
  }

  /** Decodes until the input is consumed or the body ends. */
  private void inflate(byte[] buf, int from, int end, Output output) throws DataFormatException {
    inflater.setInput(buf, from, end - from);
    while (true) {
      int n = inflater.inflate(block, 0, BLOCK_BYTES);
      output.decoded(block, n);
      if (inflater.finished()) {
        trailer = 0;
        state = gzip ? State.GZIP_TRAILER : State.ENDED;
        return;
      }
      if (n < BLOCK_BYTES && inflater.needsInput()) {
        return;
      }
      if (inflater.needsDictionary()) {
        throw new DataFormatException("a dictionary is needed");
      }
    }
  }

  /** Frees the native memory. To be called once. */
  @Override
  public void close() {
    inflater.end();
  }
}
