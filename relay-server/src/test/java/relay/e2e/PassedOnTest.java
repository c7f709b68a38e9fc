package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.Seeds;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * Chunks forwarded directly from socket to socket, to clients that read at once, partly, or not for
 * a while: every byte arrives in order, and the charge equals the usage.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PassedOnTest {
  private static final int STREAMS = 24;
  private static final int CHUNKS = 1000;
  private static final int SMALL = 4096; // receive buffer of a slow client

  private final Seeds seeds = new Seeds();
  private final Semaphore firstSeen = new Semaphore(0);
  private final AtomicInteger sent = new AtomicInteger(); // sent chunks of all streams
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  PassedOnTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** Slow clients' streams exceed the buffers of all sockets on the path. */
  private static boolean isSlow(int stream) {
    return stream % 4 == 0;
  }

  /** A stream's events between the first and the last ones. */
  private byte[][] events(int stream) {
    Random random = seeds.random(stream);
    byte[][] events = new byte[CHUNKS][];
    for (int n = 0; n < CHUNKS; n++) {
      int length = isSlow(stream) ? 5_000 + random.nextInt(5_000) : random.nextInt(300);
      String text = "event: ping\ndata: " + n + " " + "x".repeat(length) + "\n\n";
      events[n] = text.getBytes(UTF_8);
    }
    return events;
  }

  private void answer(Received request, Connection connection) throws Exception {
    int stream = Integer.parseInt(request.header("x-stream"));
    Random random = seeds.random(stream);
    var said = Says.events(Dialect.ANTHROPIC);
    connection.write(Says.STREAM);
    connection.chunk(said.getFirst());
    if (!firstSeen.tryAcquire(10, TimeUnit.SECONDS)) {
      connection.reset();
      return;
    }
    for (byte[] event : events(stream)) {
      connection.chunk(event);
      sent.getAndIncrement();
      if (isSlow(stream) || random.nextInt(4) == 0) {
        LockSupport.parkNanos(random.nextInt(300_000)); // so that it arrives separately
      }
    }
    for (String event : said.subList(1, said.size())) {
      connection.chunk(event);
    }
    connection.chunk("");
  }

  private byte[] expected(int stream) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    var said = Says.events(Dialect.ANTHROPIC);
    for (byte[] event : events(stream)) {
      all.writeBytes(event);
    }
    for (String event : said.subList(1, said.size())) {
      all.writeBytes(event.getBytes(UTF_8));
    }
    return all.toByteArray();
  }

  /** Waits until everything is sent, or all buffers are full. */
  private void awaitStandstill(int all) {
    int before = -1;
    for (int now = sent.get(); now != before && now < all; now = sent.get()) {
      before = now;
      LockSupport.parkNanos(50_000_000); // longer than the sender's pauses
    }
  }

  @Test
  void every_byte_arrives_however_slowly_a_client_reads() throws Exception {
    int streams = seeds.tries(STREAMS);
    for (int n = 0; n < streams; n++) {
      Random random = seeds.random(-1 - n);
      try (RawClient wire = new RawClient(replicas.port(0), isSlow(n) ? SMALL : 0)) {
        Ask ask = Ask.stream(Dialect.ANTHROPIC, "anthropic").header("x-stream: " + n);
        wire.send(ask).head();
        assertEquals(200, wire.status());
        assertEquals(Says.events(Dialect.ANTHROPIC).getFirst(), wire.readTo("\n\n"));
        firstSeen.release();
        if (isSlow(n)) {
          awaitStandstill(CHUNKS * (n + 1));
        }
        byte[] expected = expected(n);
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        byte[] some = new byte[20_000];
        for (int read = wire.read(some); read >= 0; read = wire.read(some)) {
          got.write(some, 0, read);
          if (isSlow(n) && random.nextInt(20) == 0) {
            LockSupport.parkNanos(random.nextInt(2_000_000));
          }
        }
        assertArrayEquals(expected, got.toByteArray(), seeds.replay(n));
        assertTrue(wire.rest().whole(), seeds.replay(n));
      }
    }
    replicas.awaitLine(
        "anthropic",
        "a/default",
        "rpm %d/- itpm %d/- otpm %d/- inflight 0"
            .formatted(streams, streams * Says.INPUT, streams * Says.OUTPUT));
    assertFalse(replicas.get(0).log().contains("ERROR"), replicas.get(0).log());
  }
}
