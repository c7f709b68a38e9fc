package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.xnio.IoUtils;
import relay.memory.MemoryBudget;

/** What a request holds is released, also when its exchange has already ended. */
class ExchangeEndTest {

  private static void withEndedExchange(Consumer<HttpServerExchange> use) throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Undertow server =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setIoThreads(1)
            .setWorkerThreads(1)
            .setHandler(
                exchange -> {
                  try {
                    ExchangeEnd.then(exchange, () -> {});
                    IoUtils.safeClose(exchange.getConnection());
                    exchange.endExchange();
                    use.accept(exchange);
                    done.complete(null);
                  } catch (Throwable e) {
                    done.completeExceptionally(e);
                  }
                })
            .build();
    server.start();
    int port = ((InetSocketAddress) server.getListenerInfo().getFirst().getAddress()).getPort();
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      done.get(20, TimeUnit.SECONDS);
    } finally {
      server.stop();
    }
  }

  @Test
  void a_callback_after_the_end_runs_at_once() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    withEndedExchange(exchange -> ExchangeEnd.then(exchange, () -> ran.set(true)));
    assertTrue(ran.get());
  }

  @Test
  void the_memory_of_a_request_is_released_after_such_an_end() throws Exception {
    MemoryBudget budget = MemoryBudget.ofHeap(64 << 20);
    RequestMemory memory = new RequestMemory(new ClientMemory(budget, () -> false));
    assertTrue(memory.take());
    withEndedExchange(exchange -> memory.release(exchange, new ClientClosing()));
    assertEquals(0, budget.usedBytes());
  }

  @Test
  void no_timer_is_left_after_such_an_end() throws Exception {
    withEndedExchange(exchange -> ClosingTimer.start(exchange, 1, TimeUnit.DAYS));
  }
}
