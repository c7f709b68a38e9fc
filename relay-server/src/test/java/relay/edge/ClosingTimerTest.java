package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.undertow.server.HttpServerExchange;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.xnio.IoUtils;
import relay.guards.Await;

class ClosingTimerTest {
  private static final String HEAD = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n";

  private final BlockingQueue<WeakReference<HttpServerExchange>> seen = new LinkedBlockingQueue<>();
  private volatile long seconds = 1_000;
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);

  /** Dispatches, so that the exchange goes on after the handler. */
  private void handle(HttpServerExchange exchange) {
    seen.add(new WeakReference<>(exchange));
    exchange.dispatch(
        listener.carriers().at(exchange.getIoThread()),
        () ->
            exchange
                .getIoThread()
                .execute(
                    () -> {
                      ClosingTimer.start(exchange, seconds, TimeUnit.SECONDS);
                      if (seconds > 0) {
                        IoUtils.safeClose(exchange.getConnection());
                      }
                    }));
  }

  @Test
  void it_closes_the_connection_of_an_exchange_that_does_not_complete() throws Exception {
    seconds = 0;
    try (Socket client = listener.connect(HEAD)) {
      client.setSoTimeout(20_000);
      assertEquals(-1, client.getInputStream().read());
    }
  }

  @Test
  void it_keeps_no_exchange_whose_connection_is_closed() throws Exception {
    WeakReference<HttpServerExchange> exchange;
    try (Socket client = listener.connect(HEAD)) {
      assertEquals(-1, client.getInputStream().read());
      exchange = seen.take();
    }
    Await.until(
        "the exchange is collected",
        () -> {
          System.gc();
          return exchange.refersTo(null);
        });
  }
}
