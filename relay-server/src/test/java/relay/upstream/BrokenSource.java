package relay.upstream;

import java.io.IOException;
import okio.Buffer;
import okio.BufferedSource;
import okio.ForwardingSource;
import okio.Okio;

/** A body that fails after a text. */
final class BrokenSource extends ForwardingSource {
  private BrokenSource(String text) {
    super(new Buffer().writeUtf8(text));
  }

  static BufferedSource after(String text) {
    return Okio.buffer(new BrokenSource(text));
  }

  @Override
  public long read(Buffer sink, long byteCount) throws IOException {
    long n = super.read(sink, byteCount);
    if (n < 0) {
      throw new IOException("reset");
    }
    return n;
  }
}
