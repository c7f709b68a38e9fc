package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.undertow.server.HttpServerExchange;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A request with a long body computes on another thread than its carrier. */
@Tag("slow")
class LongBodyTest {
  private final BlockingQueue<Boolean> carrierIsFree = new LinkedBlockingQueue<>();
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);

  private void handle(HttpServerExchange exchange) {
    exchange.dispatch(
        RequestThreads.of(exchange, listener.carriers().at(exchange.getIoThread())),
        () -> {
          compute();
          exchange.getIoThread().execute(exchange::endExchange);
        });
  }

  /** Spins until the carrier has run a task, or for a while. */
  private void compute() {
    CountDownLatch ran = new CountDownLatch(1);
    listener.carriers().threads().getFirst().execute(ran::countDown);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    while (ran.getCount() > 0 && System.nanoTime() - until < 0) {
      Thread.onSpinWait();
    }
    carrierIsFree.add(ran.getCount() == 0);
  }

  @ParameterizedTest
  @CsvSource({
    "content-length: 2000, false",
    "content-length: 65536, false",
    "content-length: 65537, true",
    "content-length: 30000000, true",
    "transfer-encoding: chunked, true"
  })
  void only_a_long_body_or_one_of_unknown_length_leaves_the_carrier(String framing, boolean leaves)
      throws Exception {
    String head = "POST / HTTP/1.1\r\nhost: a\r\n" + framing + "\r\n\r\n";
    try (var _ = listener.connect(head)) {
      Boolean free = carrierIsFree.poll(20, TimeUnit.SECONDS);
      assertNotNull(free);
      assertEquals(leaves, free);
    }
  }
}
