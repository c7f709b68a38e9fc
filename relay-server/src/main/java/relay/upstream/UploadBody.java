package relay.upstream;

import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import relay.body.Upload;

/**
 * Passes the client's body on as it arrives. While the provider takes nothing, nothing is read from
 * the client.
 */
final class UploadBody extends RequestBody {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final Upload upload;
  private final AttemptTrace trace;

  UploadBody(Upload upload, AttemptTrace trace) {
    this.upload = upload;
    this.trace = trace;
  }

  @Override
  public @Nullable MediaType contentType() {
    return null;
  }

  @Override
  public long contentLength() {
    return upload.length();
  }

  @Override
  public boolean isOneShot() {
    return true;
  }

  @Override
  public void writeTo(BufferedSink sink) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    while (true) {
      trace.awaitsClient(true);
      int n = upload.read(buffer, 0, BUFFER_BYTES);
      trace.awaitsClient(false);
      if (n < 0) {
        return;
      }
      sink.write(buffer, 0, n);
    }
  }
}
