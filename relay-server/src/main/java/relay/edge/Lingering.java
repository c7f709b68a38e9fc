package relay.edge;

import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.server.protocol.http.HttpContinue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.xnio.ChannelListener;
import org.xnio.IoUtils;
import org.xnio.channels.StreamSourceChannel;
import relay.body.BodyBuffers;

/**
 * Discards the rest of a body whose request is answered already. Most clients read an answer only
 * after they have sent all. If the connection closed with unread bytes, the kernel would send a
 * reset, and the client would never see why. Bounded in bytes and time. On the I/O thread.
 */
final class Lingering implements ChannelListener<StreamSourceChannel> {
  private static final long MOST_BYTES = 64L << 20;
  private static final long MOST_SECONDS = 30;

  /** Then other connections of the thread get their turn. */
  private static final int BYTES_AT_ONCE = 256 * 1024;

  private final HttpServerExchange exchange;
  private final BodyBuffers buffers;
  private long left = MOST_BYTES;

  private Lingering(HttpServerExchange exchange, BodyBuffers buffers) {
    this.exchange = exchange;
    this.buffers = buffers;
  }

  /** Whether a client may still be sending a body. One that expects 100-continue has not begun. */
  static boolean applies(HttpServerExchange exchange) {
    return exchange.getConnection() instanceof HttpServerConnection
        && !exchange.isRequestComplete()
        && !HttpContinue.requiresContinueResponse(exchange);
  }

  /** Begins, after the answer was written. */
  static void begin(HttpServerExchange exchange, BodyBuffers buffers) {
    Connectors.resetRequestChannel(exchange);
    StreamSourceChannel channel = exchange.getRequestChannel();
    if (channel == null) {
      IoUtils.safeClose(exchange.getConnection());
      return;
    }
    Lingering lingering = new Lingering(exchange, buffers);
    channel.getReadSetter().set(lingering);
    var _ =
        exchange
            .getIoThread()
            .executeAfter(() -> lingering.stop(channel), MOST_SECONDS, TimeUnit.SECONDS);
    lingering.handleEvent(channel);
  }

  @Override
  public void handleEvent(StreamSourceChannel channel) {
    ByteBuffer buffer = buffers.take();
    try {
      int n = 1;
      for (long until = left - BYTES_AT_ONCE; n > 0 && left > until; left -= Math.max(0, n)) {
        n = channel.read(buffer.clear());
      }
      if (left <= 0) {
        stop(channel);
      } else if (n > 0) {
        channel.suspendReads();
        exchange.getIoThread().execute(() -> handleEvent(channel));
      } else if (n == 0) {
        channel.resumeReads();
      }
    } catch (IOException e) {
      IoUtils.safeClose(exchange.getConnection());
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private void stop(StreamSourceChannel channel) {
    if (exchange.isComplete()) {
      return;
    }
    // An HTTP/2 connection has other streams: reset this one only
    IoUtils.safeClose(
        exchange.getConnection() instanceof HttpServerConnection
            ? exchange.getConnection()
            : channel);
  }
}
