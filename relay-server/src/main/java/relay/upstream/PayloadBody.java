package relay.upstream;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import okhttp3.Connection;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.RequestBody;
import okio.Buffer;
import okio.BufferedSink;
import okio.Segment;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.carrier.CarrierSockets;

/** The client's body as it came; its type is one of the client's header lines. */
final class PayloadBody extends RequestBody {
  private final int length;
  private final AttemptTrace trace;
  private final Payload payload;

  /**
   * @param trace knows the connection that the body is written to
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

  /** What fits into one segment is copied, to leave with the head; the rest is lent. */
  @Override
  public void writeTo(BufferedSink sink) throws IOException {
    if (length <= Segment.SIZE) {
      sink.write(payload.bytes());
      return;
    }
    ByteBuffer direct = payload.directBuffer();
    Socket socket = direct == null ? null : plainSocket();
    if (direct == null || socket == null) {
      sink.write(lent(payload.bytes()), length);
      return;
    }
    try {
      sink.write(lent(CarrierSockets.lend(socket, direct)), length);
    } finally {
      CarrierSockets.takeBack(socket);
    }
  }

  /** Where bytes arrive as they are written; null if they are encrypted or framed on the way. */
  private @Nullable Socket plainSocket() {
    Connection connection = trace.connection();
    return connection != null
            && connection.protocol() == Protocol.HTTP_1_1
            && CarrierSockets.made(connection.socket())
        ? connection.socket()
        : null;
  }

  private Buffer lent(byte[] bytes) {
    Buffer buffer = new Buffer();
    LentBytes.lend(bytes, length, buffer);
    return buffer;
  }
}
