package relay.edge;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import java.io.IOException;
import java.net.Socket;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.xnio.IoUtils;
import org.xnio.channels.StreamSourceChannel;

class ChannelWaitTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String HEAD =
      "POST / HTTP/1.1\r\nhost: relay.test\r\ncontent-length: 10\r\n\r\n";

  private final BlockingQueue<ServerConnection> waiting = new LinkedBlockingQueue<>();
  private final BlockingQueue<Duration> waited = new LinkedBlockingQueue<>();
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);
  private volatile Duration most = PATIENCE;

  private void handle(HttpServerExchange exchange) {
    ClientClosing closing = ClientClosing.of(exchange);
    exchange.dispatch(
        listener.carriers().at(exchange.getIoThread()),
        () -> {
          StreamSourceChannel body = exchange.getRequestChannel();
          waiting.add(exchange.getConnection());
          long began = System.nanoTime();
          try {
            ChannelWait.awaitReadable(body, closing, most.toNanos(), Runnable::run);
          } catch (ClosedChannelException e) {
            // it closed before the wait
          }
          waited.add(Duration.ofNanos(System.nanoTime() - began));
        });
  }

  private Socket connect() throws IOException {
    return listener.connect(HEAD);
  }

  private Duration waited() throws InterruptedException {
    Duration time = waited.poll(20, TimeUnit.SECONDS);
    assertNotNull(time, "it waits");
    return time;
  }

  @Test
  void a_wait_without_an_event_lasts_as_long_as_it_may() throws Exception {
    most = Duration.ofMillis(700);
    try (var _ = connect()) {
      Duration time = waited();
      assertTrue(time.compareTo(most) >= 0, "it looked after " + time);
    }
  }

  @Test
  void bytes_end_a_wait() throws Exception {
    try (Socket client = connect()) {
      assertNotNull(waiting.poll(20, TimeUnit.SECONDS));
      client.getOutputStream().write('x');
      assertTrue(waited().compareTo(PATIENCE) < 0);
    }
  }

  @Test
  void a_close_on_this_side_ends_a_wait() throws Exception {
    try (var _ = connect()) {
      ServerConnection connection = waiting.poll(20, TimeUnit.SECONDS);
      assertNotNull(connection);
      connection.getIoThread().execute(() -> IoUtils.safeClose(connection));
      assertTrue(waited().compareTo(PATIENCE) < 0);
    }
  }

  @Test
  void a_client_that_leaves_ends_a_wait() throws Exception {
    try (var _ = connect()) {
      assertNotNull(waiting.poll(20, TimeUnit.SECONDS));
    }
    assertTrue(waited().compareTo(PATIENCE) < 0);
  }
}
