package relay.upstream;

import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.Buffer;
import okio.BufferedSink;
import okio.Segment;
import org.jspecify.annotations.Nullable;

/** The client's body as it came; its type is one of the client's header lines. */
final class BytesBody extends RequestBody {
  private static final byte[] GONE = new byte[0];

  private final int length;
  private byte[] bytes;

  BytesBody(byte[] bytes) {
    this.bytes = bytes;
    length = bytes.length;
  }

  /** It was sent, and will not be again: the request lives on for as long as its answer. */
  void forget() {
    bytes = GONE;
  }

  @Override
  public @Nullable MediaType contentType() {
    return null;
  }

  @Override
  public long contentLength() {
    return length;
  }

  /** What fits into one segment is copied, to leave with the head; the rest is lent. */
  @Override
  public void writeTo(BufferedSink sink) throws IOException {
    if (bytes.length <= Segment.SIZE) {
      sink.write(bytes);
    } else {
      sink.write(lent(), bytes.length);
    }
  }

  private Buffer lent() {
    Buffer buffer = new Buffer();
    LentBytes.lend(bytes, buffer);
    return buffer;
  }
}
