package relay.e2e;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.BufferedSink;

/** A body that is made while it is sent. */
final class MadeBody extends RequestBody {
  private static final int PART = 64 * 1024;

  private final long length;
  private final boolean announced;
  private final AtomicLong written = new AtomicLong();

  MadeBody(long length, boolean announced) {
    this.length = length;
    this.announced = announced;
  }

  @Override
  public MediaType contentType() {
    return MediaType.get("application/octet-stream");
  }

  @Override
  public long contentLength() {
    return announced ? length : -1;
  }

  @Override
  public boolean isOneShot() {
    return true;
  }

  @Override
  public void writeTo(BufferedSink sink) throws IOException {
    byte[] part = new byte[PART];
    for (long left = length; left > 0; left -= part.length) {
      int n = (int) Math.min(left, part.length);
      sink.write(part, 0, n);
      sink.flush();
      written.addAndGet(n);
    }
  }

  /** Bytes that were sent. */
  AtomicLong written() {
    return written;
  }
}
