package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.io.IOException;
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Detects that a client disconnects while its request runs. Undertow reads the connection again
 * only after the answer, and until then an abandoned request would cost tokens. Bytes that arrive
 * meanwhile, the next request, are put back.
 */
final class ClientDisconnectWatch {
  private final HttpServerExchange exchange;
  private final HttpServerConnection connection;
  private final Runnable onGone;

  private ClientDisconnectWatch(
      HttpServerExchange exchange, HttpServerConnection connection, Runnable onGone) {
    this.exchange = exchange;
    this.connection = connection;
    this.onGone = onGone;
  }

  /** Begins to watch, after the request was read to its end. */
  static void on(HttpServerExchange exchange, ClientClosing closing, Runnable onGone) {
    closing.tell(exchange, onGone);
    if (exchange.getConnection() instanceof HttpServerConnection http
        && http.getExtraBytes() == null) {
      ClientDisconnectWatch watch = new ClientDisconnectWatch(exchange, http, onGone);
      ConnectionThread.of(exchange).execute(watch::begin);
    }
  }

  private void begin() {
    if (!exchange.isComplete()) { // else the listener is that of the next request
      connection.getChannel().getSourceChannel().setReadListener(this::readable);
      connection.getOriginalSourceConduit().resumeReads();
    }
  }

  private void readable(StreamSourceChannel channel) {
    StreamSourceConduit raw = connection.getOriginalSourceConduit();
    if (exchange.isComplete()) {
      return;
    }
    PooledByteBuffer pooled = connection.getByteBufferPool().allocate();
    boolean keep = false;
    try {
      int n = raw.read(pooled.getBuffer());
      if (n < 0) {
        raw.suspendReads();
        onGone.run();
      } else if (n > 0) {
        raw.suspendReads();
        pooled.getBuffer().flip();
        connection.ungetRequestBytes(pooled);
        keep = true;
      }
    } catch (IOException e) {
      raw.suspendReads();
      onGone.run();
    } finally {
      if (!keep) {
        pooled.close();
      }
    }
  }
}
