package relay.upstream;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import okhttp3.Connection;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.RequestBody;
import okio.BufferedSink;
import okio.Segment;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.carrier.CarrierSockets;
import relay.reach.LentBytes;

/** The client's body, unchanged. The content type is among the client's headers. */
final class PayloadBody extends RequestBody {
  private final int length;
  private final AttemptTrace trace;
  private final Payload payload;

  /**
   * @param trace provides the connection to write to
   */
  PayloadBody(Payload payload, AttemptTrace trace) {
    this.payload = payload;
    this.trace = trace;
    length = payload.length();
  }

  @Override
  public @Nullable MediaType contentType() {
    return null;
  }

  @Override
  public long contentLength() {
    return length;
  }

  /**
   * Whether a request is sent again is decided by the retry policy: OkHttp would do so at some 503.
   */
  @Override
  public boolean isOneShot() {
    return true;
  }

  /**
   * Copies a body that fits into one segment, to send it together with the head. Lends a larger
   * one.
   */
  @Override
  public void writeTo(BufferedSink sink) throws IOException {
    if (length <= Segment.SIZE) {
      sink.write(payload.bytes());
      return;
    }
    ByteBuffer direct = LentBytes.isPossible() ? payload.directBuffer() : null;
    Socket socket = direct == null ? null : plainSocket();
    if (direct == null || socket == null) {
      sink.write(LentBytes.of(payload.bytes(), length), length);
      return;
    }
    try {
      sink.write(LentBytes.of(CarrierSockets.lend(socket, direct), length), length);
    } finally {
      CarrierSockets.takeBack(socket);
    }
  }

  /** The socket of a plain HTTP/1.1 connection; null if bytes are encrypted or framed. */
  private @Nullable Socket plainSocket() {
    Connection connection = trace.connection();
    return connection != null
            && connection.protocol() == Protocol.HTTP_1_1
            && CarrierSockets.made(connection.socket())
        ? connection.socket()
        : null;
  }
}
