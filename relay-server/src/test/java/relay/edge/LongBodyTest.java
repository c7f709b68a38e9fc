package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.memory.MemoryBudget;

/** A request with a long body computes on another thread than its carrier. */
class LongBodyTest {
  private static final MemoryBudget MEMORY = MemoryBudget.ofHeap(256L << 20);
  private static final Duration LONG = Duration.ofSeconds(30);

  private final Carriers carriers = new Carriers("carrier", 1);
  private final BlockingQueue<Boolean> carrierIsFree = new LinkedBlockingQueue<>();
  private final Listener listener =
      new Listener(
          true,
          null,
          LONG,
          exchange ->
              exchange.dispatch(
                  RequestThreads.of(exchange, carriers.at(exchange.getIoThread())),
                  () -> {
                    compute();
                    exchange.getIoThread().execute(exchange::endExchange);
                  }),
          carriers,
          MEMORY,
          DescriptorReserve.ofProcess());

  @BeforeEach
  void start() {
    listener.start("127.0.0.1", 0);
  }

  @AfterEach
  void stop() {
    listener.stop();
    carriers.close();
  }

  /** Spins until the carrier has run a task, or for a while. */
  private void compute() {
    CountDownLatch ran = new CountDownLatch(1);
    carriers.threads().getFirst().execute(ran::countDown);
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
    try (Socket client = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port())) {
      OutputStream out = client.getOutputStream();
      out.write(("POST / HTTP/1.1\r\nhost: a\r\n" + framing + "\r\n\r\n").getBytes(ISO_8859_1));
      Boolean free = carrierIsFree.poll(20, TimeUnit.SECONDS);
      assertNotNull(free);
      assertEquals(leaves, free);
    }
  }
}
