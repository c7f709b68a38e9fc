package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/**
 * kill -9 of one of two replicas with open streams: its concurrency is released, its usage stays
 * charged.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CrashTest {
  private static final Duration LEASE = Duration.ofSeconds(3);
  private static final int STREAMS = 20;

  private final CountDownLatch over = new CountDownLatch(1);
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            if (request.text().contains("\"stream\":true")) {
              connection.write(Says.STREAM);
              connection.chunk(Says.events(Dialect.ANTHROPIC).getFirst());
              over.await(60, TimeUnit.SECONDS);
            } else {
              connection.write(Says.fine(Dialect.ANTHROPIC));
            }
          });
  private final Replicas replicas =
      new Setup()
          .jvm("-Drelay.timings=lease=" + LEASE.toMillis())
          .provider(
              "bounded",
              Dialect.ANTHROPIC,
              provider.url(),
              Setup.key("b1", "max_concurrent: 10", "rpm_limit: 1000"),
              Setup.key("b2", "max_concurrent: 10", "rpm_limit: 1000"))
          .provider("free", Dialect.ANTHROPIC, provider.url(), Setup.key("f"))
          .start(2);

  CrashTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    over.countDown();
    replicas.close();
    provider.close();
  }

  private Answer askTheOther(String model) throws Exception {
    return RawClient.ask(replicas.port(1), Ask.of(Dialect.ANTHROPIC, model));
  }

  @Test
  void concurrency_comes_back_by_the_deadline_and_tokens_stay_charged() throws Exception {
    List<RawClient> open = new ArrayList<>();
    for (int n = 0; n < STREAMS; n++) {
      RawClient wire =
          new RawClient(replicas.port(0)).send(Ask.stream(Dialect.ANTHROPIC, "bounded")).head();
      wire.readTo("\n\n");
      open.add(wire);
    }
    long opened = System.nanoTime();
    Answer full = askTheOther("bounded");
    Errors.relays(full, Dialect.ANTHROPIC, 429, "rate_limit_error");
    assertEquals(1000, Errors.retryAfterMs(full));

    // Longer than a lease: a live replica renews its leases.
    long renewed = opened + LEASE.plusMillis(700).toNanos();
    while (System.nanoTime() - renewed < 0) {
      assertEquals(429, askTheOther("bounded").status(), "a live stream lost its lease");
      assertEquals(200, askTheOther("free").status());
    }
    String charged = replicas.line("bounded", "b1/default");
    assertTrue(charged.startsWith("rpm 10/1000 "), charged);

    replicas.get(0).kill();
    long killed = System.nanoTime();
    long waited;
    do {
      assertEquals(200, askTheOther("free").status(), "the other replica should not notice");
      waited = System.nanoTime() - killed;
    } while (askTheOther("bounded").status() == 429);
    // The last renewal was at most a third of a lease before the kill.
    assertTrue(waited <= LEASE.plusMillis(1500).toNanos(), "after " + waited / 1_000_000 + " ms");
    assertTrue(waited >= LEASE.dividedBy(3).toNanos(), "after " + waited / 1_000_000 + " ms");

    for (String key : List.of("b1", "b2")) {
      replicas.awaitLine("bounded", key, "inflight 0");
      String now = replicas.line("bounded", key + "/default");
      long requests = number(now, "rpm ");
      assertTrue(requests >= 10 && requests <= 11, now);
      assertTrue(number(now, "otpm ") >= number(charged, "otpm "), now + " after " + charged);
      assertTrue(number(now, "itpm ") >= number(charged, "itpm "), now + " after " + charged);
    }
    for (RawClient wire : open) {
      wire.close();
    }
  }

  private static long number(String line, String after) {
    String rest = line.substring(line.indexOf(after) + after.length());
    return Long.parseLong(rest.substring(0, rest.indexOf('/')));
  }
}
