package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.util.AttachmentKey;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Notifies the current exchange when its connection closes, or its stream over HTTP/2, and wakes
 * the thread that waits for it. In HTTP/1.1 there is one per connection, and it drops each exchange
 * at its end. A listener per exchange would retain all of them, with their bodies, until a
 * kept-alive connection closes.
 */
final class ClientClosing implements ServerConnection.CloseListener {
  private static final AttachmentKey<ClientClosing> KEY = AttachmentKey.create(ClientClosing.class);

  private volatile @Nullable Runnable onGone;
  private volatile @Nullable Thread waiting;
  private volatile boolean closed;

  /** To be called by the exchange's first handler. */
  static ClientClosing of(HttpServerExchange exchange) {
    ServerConnection connection = exchange.getConnection();
    ClientClosing ofStream =
        connection instanceof HttpServerConnection ? null : SharedChannel.closing(exchange);
    return ofStream == null ? of(connection) : ofStream;
  }

  private static ClientClosing of(ServerConnection connection) {
    ClientClosing known = connection.getAttachment(KEY);
    if (known == null) {
      known = new ClientClosing();
      connection.putAttachment(KEY, known);
      connection.addCloseListener(known);
      known.closed |= !connection.isOpen(); // it may have closed before the listener was added
    }
    return known;
  }

  /** Runs a callback at the closing, unless the exchange completes before. */
  void tell(HttpServerExchange exchange, Runnable callback) {
    onGone = callback;
    ExchangeEnd.then(exchange, () -> onGone = null);
    if (closed) {
      run(callback);
    }
  }

  private void run(Runnable callback) {
    onGone = null;
    callback.run();
  }

  /** The calling thread waits from now on: false if it must not, for it is closed already. */
  boolean begin() {
    waiting = Thread.currentThread();
    return !closed;
  }

  void end() {
    waiting = null;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public void closed(ServerConnection connection) {
    closed();
  }

  /** Relay itself has reset the stream: the client is still there, but no thread may wait. */
  void streamEnded() {
    closed = true;
    LockSupport.unpark(waiting); // null is allowed
  }

  void closed() {
    streamEnded();
    Runnable callback = onGone;
    if (callback != null) {
      run(callback);
    }
  }
}
