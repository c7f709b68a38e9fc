package relay.stream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;

/** Compresses answers as providers do. */
public final class Encodings {
  private Encodings() {}

  /** Compressed so that each part can be read as soon as its bytes have arrived. */
  public static byte[] encoded(String encoding, byte[]... parts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = on(bytes, encoding)) {
      for (byte[] part : parts) {
        out.write(part);
        out.flush();
      }
    }
    return bytes.toByteArray();
  }

  private static OutputStream on(OutputStream out, String encoding) throws IOException {
    return switch (encoding) {
      case "gzip" -> new GZIPOutputStream(out, 512, true);
      case "deflate" -> new DeflaterOutputStream(out, true);
      default -> throw new IllegalArgumentException(encoding);
    };
  }
}
