package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** A client that stops reading costs memory, but no processor time. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StalledCostTest {
  private static final int STREAMS = 600;
  private static final int BYTES = 1 << 20; // more than the sockets on the path hold
  private static final Duration SOON = Duration.ofSeconds(40);
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int LOOKS = 8;

  /** Polling four times a second took 60 to 110 ms. */
  private static final Duration MOST_A_LOOK = Duration.ofMillis(30);

  private final CountDownLatch over = new CountDownLatch(1);
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicLong taken = new AtomicLong();
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            connection.write(Says.STREAM);
            byte[] part = ("event: ping\ndata: " + "x".repeat(32 * 1024) + "\n\n").getBytes(UTF_8);
            begun.getAndIncrement();
            for (int sent = 0; sent < BYTES; sent += part.length) {
              connection.chunk(part);
              taken.addAndGet(part.length);
            }
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
    List<RawClient> clients = new ArrayList<>();
    try {
      for (int n = 0; n < STREAMS; n++) {
        RawClient client = new RawClient(replicas.port(0), 4096);
        clients.add(client);
        client.send(Ask.stream(Dialect.ANTHROPIC, "anthropic"));
      }
      Await.until("all streams have begun", SOON, () -> begun.get() == STREAMS);
      awaitStall();
      assertTrue(taken.get() < (long) STREAMS * BYTES, "no reader stalls");
      assertTrue(leastOfLooks().compareTo(MOST_A_LOOK) < 0, "a look took " + leastOfLooks());
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  private void awaitStall() {
    AtomicLong before = new AtomicLong(-1);
    Await.until(
        "no stream goes on",
        SOON,
        () -> {
          long now = taken.get();
          LockSupport.parkNanos(LOOK_NANOS / 2);
          return before.getAndSet(now) == now;
        });
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
