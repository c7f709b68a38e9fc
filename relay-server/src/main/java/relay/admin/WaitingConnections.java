package relay.admin;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.util.LinkedHashSet;
import java.util.Set;
import org.xnio.ChannelListener;
import org.xnio.ChannelListeners;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;

/**
 * The connections that have no request with a complete head. Their number is bounded, because any
 * of them may hold a head, and none has shown a token. Beyond the bound the oldest is closed. For
 * the admin plane's only carrier.
 */
final class WaitingConnections {
  private static final int MOST = 128;

  private final Set<StreamConnection> oldestFirst = new LinkedHashSet<>();

  /** After Undertow took the connection: it has set its own listener by then. */
  void opened(StreamConnection connection) {
    ChannelListener<? super StreamConnection> next = connection.getCloseListener();
    connection.setCloseListener(
        closed -> {
          connection.getIoThread().execute(() -> oldestFirst.remove(connection));
          ChannelListeners.invokeChannelListener(connection, next);
        });
    add(connection);
  }

  /** A head is complete. Its connection waits again when the exchange has ended. */
  void busy(HttpServerExchange exchange) {
    if (exchange.getConnection() instanceof HttpServerConnection http) {
      StreamConnection connection = http.getChannel();
      oldestFirst.remove(connection);
      exchange.addExchangeCompleteListener(
          (ended, next) -> {
            connection.getIoThread().execute(() -> add(connection));
            next.proceed();
          });
    }
  }

  private void add(StreamConnection connection) {
    if (connection.isOpen() && oldestFirst.add(connection) && oldestFirst.size() > MOST) {
      StreamConnection oldest = oldestFirst.iterator().next();
      oldestFirst.remove(oldest);
      IoUtils.safeClose(oldest);
    }
  }
}
