package relay.stream;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;

/** Zstandard (RFC 8878), by its own library: one or more frames. */
final class ZstdDecoder implements Decoder {
  private static final int INPUT_BYTES = 4 * 1024;
  private static final int BLOCK_BYTES = 8 * 1024;

  private final ZstdDecompressCtx library = new ZstdDecompressCtx();
  private final ByteBuffer input = ByteBuffer.allocateDirect(INPUT_BYTES);
  private final ByteBuffer decoded = ByteBuffer.allocateDirect(BLOCK_BYTES);
  private final byte[] block = new byte[BLOCK_BYTES];
  private final ZstdFrameHeader header = new ZstdFrameHeader();
  private boolean inFrame;
  private long window;

  @Override
  public void decode(byte[] buf, int off, int len, Output output) throws DataFormatException {
    int end = off + len;
    int p = off;
    while (p < end) {
      if (inFrame) {
        int n = Math.min(input.remaining(), end - p);
        input.put(buf, p, n);
        p += n - decode(output);
      } else {
        input.put(buf[p]);
        header.accept(buf[p++] & 0xff);
        if (header.done()) {
          window = Math.max(window, header.windowBytes());
          inFrame = true;
        }
      }
    }
  }

  /** Decodes the input. Returns how many of its bytes belong to the next frame. */
  private int decode(Output output) throws DataFormatException {
    input.flip();
    boolean full;
    do {
      decoded.clear();
      inFrame = !step();
      full = !decoded.hasRemaining();
      decoded.flip();
      int n = decoded.remaining();
      decoded.get(block, 0, n);
      output.decoded(block, n);
    } while (inFrame && (full || input.hasRemaining()));
    int next = input.remaining();
    input.clear();
    if (!inFrame) {
      header.reset();
    }
    return next;
  }

  /** True at the end of the frame. */
  private boolean step() throws DataFormatException {
    try {
      return library.decompressDirectByteBufferStream(decoded, input);
    } catch (ZstdException e) {
      throw new DataFormatException(e.getMessage());
    }
  }

  @Override
  public long windowBytes() {
    return window;
  }

  @Override
  public void close() {
    library.close();
  }
}
