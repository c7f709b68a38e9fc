package relay.trial.provider;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.GZIPOutputStream;
import relay.trial.provider.AnswerWriter.Parts;

/** Compresses an answer; a reader can decode each part when it arrives. */
final class GzipParts implements Parts {
  private final Parts plain;
  private final ByteArrayOutputStream compressed = new ByteArrayOutputStream(1024);
  private final GZIPOutputStream gzip;

  GzipParts(Parts plain) throws IOException {
    this.plain = plain;
    this.gzip = new GZIPOutputStream(compressed, 512, true);
  }

  @Override
  public int count() {
    return plain.count();
  }

  @Override
  public byte[] part(int index) throws IOException {
    return compress(plain.part(index), index == count() - 1);
  }

  @Override
  public byte[] errorPart() throws IOException {
    return compress(plain.errorPart(), true);
  }

  private byte[] compress(byte[] part, boolean last) throws IOException {
    gzip.write(part);
    if (last) {
      gzip.close();
    } else {
      gzip.flush();
    }
    byte[] bytes = compressed.toByteArray();
    compressed.reset();
    return bytes;
  }
}
