package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A stalled reader costs memory, but no processor time. Streams of HTTP/2 stall when the
 * connection's window, 64 KiB, is used up.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StalledCostTest {
  private static final int STREAMS = 900;
  private static final int PARTS = 8;
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int LOOKS = 8;

  /** Of a second. Polling four times a second took about 150 ms. */
  private static final Duration MOST_A_LOOK = Duration.ofMillis(50);

  private final CountDownLatch over = new CountDownLatch(1);
  private final AtomicInteger sent = new AtomicInteger();
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            connection.write(Says.STREAM);
            byte[] part = ("event: ping\ndata: " + "x".repeat(8 * 1024) + "\n\n").getBytes(UTF_8);
            for (int n = 0; n < PARTS; n++) {
              connection.chunk(part);
            }
            sent.getAndIncrement();
            over.await();
          });
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  StalledCostTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    over.countDown();
    replicas.close();
    provider.close();
  }

  @Test
  void stalled_readers_take_no_processor_time() throws Exception {
    byte[] body = Ask.body("anthropic", "\"stream\":true,").getBytes(UTF_8);
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      for (int n = 0; n < STREAMS; n++) {
        client.request(1 + 2 * n, Map.of(), body);
      }
      Await.until("the provider has answered all", SOON, () -> sent.get() == STREAMS);
      Duration least = leastOfLooks();
      assertTrue(least.compareTo(MOST_A_LOOK) < 0, "each look took " + least);
    }
  }

  /** Other work of the process, such as compilation, ends; polling would not. */
  private Duration leastOfLooks() {
    Duration least = Duration.ofDays(1);
    for (int n = 0; n < LOOKS && least.compareTo(MOST_A_LOOK) >= 0; n++) {
      Duration before = processorTime();
      LockSupport.parkNanos(LOOK_NANOS);
      Duration took = processorTime().minus(before);
      least = took.compareTo(least) < 0 ? took : least;
    }
    System.out.printf("%d stalled readers: %d ms of a core a second%n", STREAMS, least.toMillis());
    return least;
  }

  private Duration processorTime() {
    return ProcessHandle.of(replicas.get(0).pid())
        .flatMap(process -> process.info().totalCpuDuration())
        .orElseThrow();
  }
}
