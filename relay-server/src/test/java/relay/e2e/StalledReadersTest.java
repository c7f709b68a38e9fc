package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * 2,000 concurrent streams with 200 stalled readers, and 400 with 40 over TLS: the others get every
 * event, and no data accumulates in the replica, whose heap is 256 MB. The test prints the delays;
 * on an idle machine p99 is about 10 ms.
 */
@Tag("slow")
@ParameterizedClass
@EnumSource(ProviderWire.class)
class StalledReadersTest {
  private static final int EVENTS = 6;
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(700);

  /** The time until the stalled streams have filled all buffers. */
  private static final long FILLING_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** More than the buffers of all sockets on the path hold. */
  private static final int FLOOD_BYTES = 64 << 20;

  private static final int STALLED_BYTES = 1 << 20;
  private static final int FLOODED = 5;

  private final int streams;
  private final int stalledStreams;
  private final CountDownLatch everybodyIsThere;
  private final CountDownLatch over = new CountDownLatch(1);
  private final AtomicLong taken = new AtomicLong();
  private final AtomicInteger flooded = new AtomicInteger();
  private final RawProvider provider;
  private final Replicas replicas;

  StalledReadersTest(ProviderWire wire) throws Exception {
    streams = wire.isTls() ? 400 : 2_000;
    stalledStreams = streams / 10;
    everybodyIsThere = new CountDownLatch(streams);
    provider = new RawProvider(wire, this::answer);
    replicas =
        new Setup()
            .jvm("-Xmx256m")
            .jvm("-XX:-UseSerialGC")
            .jvm("-XX:+UseG1GC")
            .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
            .start(1);
  }

  @AfterEach
  void close() throws Exception {
    over.countDown();
    replicas.close();
    provider.close();
  }

  private void answer(Received request, Connection connection) throws Exception {
    connection.write(Says.STREAM);
    connection.chunk(Says.events(Dialect.ANTHROPIC).getFirst());
    everybodyIsThere.countDown();
    everybodyIsThere.await();
    if (request.header("x-stalls") != null) {
      byte[] part = ("event: ping\ndata: " + "x".repeat(32 * 1024) + "\n\n").getBytes(UTF_8);
      boolean floods = flooded.getAndIncrement() < FLOODED;
      for (long sent = 0; sent < (floods ? FLOOD_BYTES : STALLED_BYTES); sent += part.length) {
        connection.chunk(part);
        if (floods) {
          taken.addAndGet(part.length);
        }
      }
      over.await();
      return;
    }
    LockSupport.parkNanos(FILLING_NANOS + (long) (Math.random() * PAUSE_NANOS));
    for (int n = 0; n < EVENTS; n++) {
      connection.chunk(
          "event: ping\ndata: {\"type\":\"ping\",\"t\":" + System.nanoTime() + "}\n\n");
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    connection.chunk("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    connection.chunk("");
  }

  @Test
  void stalled_readers_do_not_affect_the_others() throws Exception {
    Queue<Long> delays = new ConcurrentLinkedQueue<>();
    AtomicInteger whole = new AtomicInteger();
    List<RawClient> stalled = new ArrayList<>();
    List<Thread> readers = new ArrayList<>();
    try {
      for (int n = 0; n < streams; n++) {
        Ask ask = Ask.stream(Dialect.ANTHROPIC, "anthropic");
        boolean stalls = n % (streams / stalledStreams) == 0;
        RawClient wire = new RawClient(replicas.port(0), stalls ? 4096 : 0);
        wire.send(stalls ? ask.header("x-stalls: 1") : ask);
        if (stalls) {
          stalled.add(wire);
        } else {
          readers.add(Thread.ofVirtual().start(() -> read(wire, delays, whole)));
        }
      }
      for (Thread reader : readers) {
        reader.join();
      }
      assertEquals(streams - stalledStreams, whole.get(), "streams that came to their end");
      assertEquals((streams - stalledStreams) * EVENTS, delays.size(), "events");
      assertTrue(
          taken.get() < (long) FLOODED * FLOOD_BYTES / 2,
          taken.get() + " unread bytes were buffered");
      report(delays);
      assertTrue(replicas.get(0).isAlive());
    } finally {
      for (RawClient wire : stalled) {
        wire.close();
      }
    }
  }

  private static void read(RawClient wire, Queue<Long> delays, AtomicInteger whole) {
    try (wire) {
      wire.head();
      while (true) {
        String event = wire.readTo("\n\n");
        int at = event.indexOf("\"t\":");
        if (at > 0) {
          delays.add(
              System.nanoTime() - Long.parseLong(event.substring(at + 4, event.indexOf('}'))));
        } else if (event.contains("message_stop")) {
          whole.addAndGet(wire.rest().whole() ? 1 : 0);
          return;
        }
      }
    } catch (IOException e) {
      return; // incomplete
    }
  }

  private void report(Queue<Long> delays) throws IOException {
    long[] sorted = delays.stream().mapToLong(Long::longValue).sorted().toArray();
    String metrics = metrics();
    long heap = sum(metrics, "jvm_memory_used_bytes{area=\"heap\"");
    long direct = sum(metrics, "jvm_buffer_memory_used_bytes{id=\"direct\"");
    System.out.printf(
        "%d streams, %d stalled: event delay p50 %.1f ms, p99 %.1f ms, most %.1f ms;"
            + " heap %d MB, direct memory %d MB%n",
        streams,
        stalledStreams,
        sorted[sorted.length / 2] / 1e6,
        sorted[sorted.length * 99 / 100] / 1e6,
        sorted[sorted.length - 1] / 1e6,
        heap >> 20,
        direct >> 20);
    assertTrue(heap > 0 && heap < 256L << 20, "heap " + heap);
    assertTrue(direct < 128L << 20, "direct memory " + direct);
  }

  private String metrics() throws IOException {
    return replicas.admin(0, "/metrics").text();
  }

  private static long sum(String metrics, String prefix) {
    return Arrays.stream(metrics.split("\n", -1))
        .filter(line -> line.startsWith(prefix))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }
}
