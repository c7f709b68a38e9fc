package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;
import org.xnio.IoUtils;
import org.xnio.XnioExecutor;

/**
 * Closes a client's connection if its exchange does not complete in time. The timer ends with the
 * exchange, and keeps no closed connection: a peer could otherwise fill the heap with them.
 */
final class ClosingTimer {
  private ClosingTimer() {}

  /** Begins. For the exchange's I/O thread. */
  static void start(HttpServerExchange exchange, long time, TimeUnit unit) {
    if (exchange.isComplete()) {
      return;
    }
    WeakReference<ServerConnection> connection = new WeakReference<>(exchange.getConnection());
    XnioExecutor.Key timer =
        exchange.getIoThread().executeAfter(() -> IoUtils.safeClose(connection.get()), time, unit);
    ExchangeEnd.then(exchange, timer::remove);
  }
}
