package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Checks on several pools in parallel whether {@code retry-after-ms} is exact. The window is long,
 * so that a slot of 100 ms is longer than the delays of a busy machine.
 */
final class RetryAfterProbe {
  private static final Duration WINDOW = Duration.ofSeconds(24);
  private static final long SLOT_NANOS = WINDOW.toNanos() / 240; // two slots
  private static final long MARGIN_NANOS = SLOT_NANOS / 4;

  /** What a machine that stalls between two calls may add to a time, seldom. */
  private static final long MOST_LATE_MS = 10;

  private static final int POOLS = 16;
  private static final int ROUNDS = 3;
  private static final int LIMIT = 40;

  private final AtomicInteger early = new AtomicInteger();
  private final AtomicInteger punctual = new AtomicInteger();
  private final AtomicInteger late = new AtomicInteger();

  /** Configures the pools for {@link #run}; their provider has no limits. */
  static void addPools(Setup setup, String url) {
    for (int n = 0; n < POOLS; n++) {
      setup.provider(
          "retry-" + n,
          Dialect.ANTHROPIC,
          url,
          List.of(
              "pooling: { accounting: sliding_window, affinity: none, window_ms: "
                  + WINDOW.toMillis()
                  + " }"),
          List.of(key(n)));
    }
  }

  /** The secrets of the pools' keys. */
  static List<String> secrets() {
    return IntStream.range(0, POOLS).mapToObj(n -> Setup.secret("r" + n)).toList();
  }

  private static String key(int n) {
    return Setup.key("r" + n, "rpm_limit: " + LIMIT);
  }

  /** Runs the check. The pools must have no other users. */
  void run(Replicas replicas) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> pools = new ArrayList<>();
      for (int n = 0; n < POOLS; n++) {
        String model = "retry-" + n;
        int port = replicas.port(n % 2);
        pools.add(
            threads.submit(
                () -> {
                  probe(port, model);
                  return null;
                }));
      }
      for (Future<?> pool : pools) {
        pool.get(60, TimeUnit.SECONDS);
      }
    }
    assertEquals(POOLS * ROUNDS, punctual.get());
    assertTrue(late.get() <= POOLS * ROUNDS / 10, late + " were told some ms more at their time");
    // a probe that took longer than the margin is not conclusive
    assertTrue(early.get() >= POOLS * ROUNDS / 2, "only " + early + " rounds were conclusive");
  }

  private void probe(int port, String model) throws Exception {
    try (RawClient wire = new RawClient(port)) {
      for (int n = 0; n < LIMIT / 2; n++) {
        wire.send(request(model, n)).answer(); // half of the limit is available at once
      }
      int sent = LIMIT / 2;
      byte[] request = request(model, sent);
      for (int round = 0; round < ROUNDS; ) {
        long asked = System.nanoTime();
        Answer answer = wire.send(request).answer();
        long answered = System.nanoTime();
        if (answer.status() == 200) { // capacity was left
          request = request(model, ++sent);
          continue;
        }
        long wait = Errors.retryAfterMs(answer) * 1_000_000;
        // Capacity returns between asked + wait - 1 ms (the header is rounded up) and answered +
        // wait.
        long slotBefore = asked + wait - 1_000_000 - SLOT_NANOS;
        if (slotBefore - MARGIN_NANOS > System.nanoTime()) {
          Await.moment(slotBefore - MARGIN_NANOS);
          int status = wire.send(request).answer().status();
          boolean inTime = System.nanoTime() <= slotBefore;
          if (status == 429 || inTime) {
            assertEquals(429, status, "granted a slot before its time");
            early.incrementAndGet();
          } else { // the early probe came too late and was granted: repeat the round
            request = request(model, ++sent);
            continue;
          }
        }
        Await.moment(answered + wait);
        Answer retry = wire.send(request).answer();
        while (retry.status() == 429) {
          long more = Errors.retryAfterMs(retry);
          assertTrue(more <= MOST_LATE_MS, "refused at its time: " + retry);
          late.incrementAndGet();
          Await.moment(System.nanoTime() + 1_000_000 * more);
          retry = wire.send(request).answer();
        }
        assertEquals(200, retry.status(), retry.toString());
        punctual.incrementAndGet();
        request = request(model, ++sent);
        round++;
      }
    }
  }

  /** A body of its own: an equal one would be taken for a repetition. */
  private static byte[] request(String model, int number) {
    String body = Ask.body(model, "\"metadata\":{\"user_id\":\"" + number + "\"},");
    return Ask.of(Dialect.ANTHROPIC, model).body(body).bytes();
  }
}
