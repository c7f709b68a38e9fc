package relay.edge;

import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpContinue;
import io.undertow.server.protocol.http.HttpServerConnection;
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
 * reset, and the client would never see why. Over HTTP/2 a reset of the stream follows the answer:
 * a client that has the whole answer ignores it. Until then unread data would hold Undertow's
 * buffers of the connection. Bounded in bytes and time. On the I/O thread.
 */
final class Lingering implements ChannelListener<StreamSourceChannel> {
  private static final long MOST_BYTES = 64L << 20;
  private static final long MOST_SECONDS = 30;

  /** Then other connections of the thread get their turn. */
  private static final int BYTES_AT_ONCE = 256 * 1024;

  private final HttpServerExchange exchange;
  private final BodyBuffers buffers;
  private final boolean http1;
  private long left = MOST_BYTES;
  private boolean begun;
  private boolean answered;

  Lingering(HttpServerExchange exchange, BodyBuffers buffers) {
    this.exchange = exchange;
    this.buffers = buffers;
    http1 = exchange.getConnection() instanceof HttpServerConnection;
  }

  /** Whether a client may still be sending a body. One that expects 100-continue has not begun. */
  static boolean applies(HttpServerExchange exchange) {
    return !exchange.isRequestComplete() && !HttpContinue.requiresContinueResponse(exchange);
  }

  /** Begins, after the answer was written, or as much of it as the client takes. */
  void begin() {
    Connectors.resetRequestChannel(exchange);
    StreamSourceChannel channel = exchange.getRequestChannel();
    if (channel == null) {
      IoUtils.safeClose(exchange.getConnection());
      return;
    }
    channel.getReadSetter().set(this);
    ClosingTimer.start(exchange, MOST_SECONDS, TimeUnit.SECONDS);
    handleEvent(channel);
    begun = true;
    if (answered) {
      answered();
    }
  }

  /** The whole answer has left. */
  void answered() {
    answered = true;
    if (begun && !http1 && !exchange.isRequestComplete()) {
      SharedChannel.endEarly(exchange);
    }
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
        IoUtils.safeClose(exchange.getConnection());
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
}
