package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.util.AttachmentKey;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Detects that a client disconnects while its request runs. Undertow reads the connection again
 * only after the answer, and until then an abandoned request would cost tokens. Bytes that arrive
 * meanwhile, the next request, are put back.
 */
final class ClientDisconnectWatch {
  private static final long STREAM_LOOK_MS = 250;

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
  static void on(HttpServerExchange exchange, Runnable onGone) {
    if (!(exchange.getConnection() instanceof HttpServerConnection http)) {
      lookAfterStream(exchange, onGone);
      return;
    }
    Closing.of(http).tell(exchange, onGone);
    if (http.getExtraBytes() == null) {
      ClientDisconnectWatch watch = new ClientDisconnectWatch(exchange, http, onGone);
      http.getChannel().getSourceChannel().setReadListener(watch::readable);
      http.getOriginalSourceConduit().resumeReads();
    }
  }

  /** Runs a callback if the client disconnects while it reads the rest of its answer. */
  static void onCloseDuringAnswer(HttpServerExchange exchange, Runnable callback) {
    if (exchange.getConnection() instanceof HttpServerConnection http) {
      Closing.of(http).tell(exchange, callback);
    } else {
      lookAfterStream(exchange, callback);
    }
  }

  /**
   * Notifies the current exchange when its connection closes. One per connection, and it drops each
   * exchange at its end. A listener per exchange would retain all of them, with their bodies, until
   * a kept-alive connection closes.
   */
  private static final class Closing implements ServerConnection.CloseListener {
    private static final AttachmentKey<Closing> KEY = AttachmentKey.create(Closing.class);

    private volatile @Nullable Runnable onGone;

    static Closing of(HttpServerConnection connection) {
      Closing known = connection.getAttachment(KEY);
      if (known == null) {
        known = new Closing();
        connection.putAttachment(KEY, known);
        connection.addCloseListener(known);
      }
      return known;
    }

    void tell(HttpServerExchange exchange, Runnable callback) {
      onGone = callback;
      exchange.addExchangeCompleteListener(
          (ended, next) -> {
            onGone = null;
            next.proceed();
          });
    }

    @Override
    public void closed(ServerConnection connection) {
      Runnable callback = onGone;
      if (callback != null) {
        callback.run();
      }
    }
  }

  /**
   * An HTTP/2 client may reset one stream of its connection. Undertow has no event for that, so
   * look.
   */
  private static void lookAfterStream(HttpServerExchange exchange, Runnable onGone) {
    var _ =
        exchange
            .getIoThread()
            .executeAfter(
                () -> {
                  if (exchange.isComplete()) {
                    return;
                  }
                  if (exchange.getConnection().isOpen()
                      && Connectors.getConduitSinkChannel(exchange).isOpen()) {
                    lookAfterStream(exchange, onGone);
                  } else {
                    onGone.run();
                  }
                },
                STREAM_LOOK_MS,
                TimeUnit.MILLISECONDS);
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
