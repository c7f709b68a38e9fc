package relay.stream;

import com.aayushatharva.brotli4j.decoder.DecoderJNI;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;

/** Brotli (RFC 7932), by Google's decoder. */
final class BrotliDecoder implements Decoder {
  private static final int INPUT_BYTES = 4 * 1024;
  private static final int BLOCK_BYTES = 8 * 1024;

  private final DecoderJNI.Wrapper library;
  private final byte[] block = new byte[BLOCK_BYTES];
  private long window;

  /**
   * @throws IOException without memory
   */
  BrotliDecoder() throws IOException {
    library = new DecoderJNI.Wrapper(INPUT_BYTES);
  }

  @Override
  public void decode(byte[] buf, int off, int len, Output output) throws DataFormatException {
    if (window == 0 && len > 0) {
      window = windowOf(buf[off]);
    }
    int end = off + len;
    int p = off;
    while (true) {
      switch (library.getStatus()) {
        case NEEDS_MORE_INPUT -> {
          if (library.hasOutput()) {
            pull(output);
          } else if (p == end) {
            return;
          } else {
            ByteBuffer input = library.getInputBuffer().clear();
            int n = Math.min(input.remaining(), end - p);
            input.put(buf, p, n);
            p += n;
            library.push(n);
          }
        }
        case NEEDS_MORE_OUTPUT -> pull(output);
        case OK -> library.push(0);
        case DONE -> {
          return; // ignore the rest
        }
        case ERROR -> throw new DataFormatException("not brotli");
      }
    }
  }

  private void pull(Output output) throws DataFormatException {
    ByteBuffer decoded = library.pull();
    while (decoded.hasRemaining()) {
      int n = Math.min(decoded.remaining(), BLOCK_BYTES);
      decoded.get(block, 0, n);
      output.decoded(block, n);
    }
  }

  /** The window in bytes: RFC 7932, section 9.1, by the first seven bits. */
  static long windowOf(byte first) {
    int high = (first >> 1) & 7;
    int low = (first >> 4) & 7;
    int bits;
    if ((first & 1) == 0) {
      bits = 16;
    } else if (high != 0) {
      bits = 17 + high;
    } else {
      bits = low == 0 ? 17 : 8 + low;
    }
    return 1L << bits;
  }

  @Override
  public long windowBytes() {
    return window;
  }

  @Override
  public void close() {
    library.destroy();
  }
}
