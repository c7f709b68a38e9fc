package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.util.concurrent.Executor;
import org.xnio.ssl.SslConnection;

/**
 * Runs what resumes and suspends a client's channels. Undertow keeps the flags of a TLS connection,
 * and of an HTTP/2 stream, in one field, which it changes without a lock. A change beside the I/O
 * thread may undo the I/O thread's own: the last frame is forgotten, or new data is told of no
 * longer, and the request waits until its time is over. So the I/O thread makes all changes.
 *
 * <p>The carrier of a plain HTTP/1.1 connection runs its requests, too, so there is no other
 * thread.
 */
final class ConnectionThread {
  private ConnectionThread() {}

  /** Runs tasks in order: at once, or on the exchange's I/O thread. */
  static Executor of(HttpServerExchange exchange) {
    return isAlone(exchange) ? Runnable::run : exchange.getIoThread();
  }

  /** Whether no other thread changes the flags meanwhile. */
  static boolean isAlone(HttpServerExchange exchange) {
    return exchange.isInIoThread()
        || (exchange.getConnection() instanceof HttpServerConnection http
            && !(http.getChannel() instanceof SslConnection));
  }
}
