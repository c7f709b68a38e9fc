package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import relay.model.Dialect;
import relay.trial.ProviderSimulator;
import relay.trial.ProviderSimulator.Account;
import relay.trial.ProviderSimulator.Dimension;
import relay.trial.ProviderSimulator.Settings;

/**
 * The promise: two replicas, each a process, use all that four keys allow, and a provider that
 * keeps true token buckets never has to refuse. The tests follow one pool from its first request.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SharedPoolTest {
  private static final Duration WINDOW = Duration.ofSeconds(4);
  private static final long WINDOW_NANOS = WINDOW.toNanos();
  private static final List<String> KEYS = List.of("s1", "s2", "s3", "s4");

  /** A request is half a percent of it. */
  private static final int LIMIT = 200;

  private static final double PER_SECOND = KEYS.size() * LIMIT / 4.0;

  private final ProviderSimulator provider = simulator();
  private final Replicas replicas = setup().start(2);
  private final Arrivals arrivals = arrivals("shared");

  SharedPoolTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    arrivals.close();
    replicas.close();
    provider.close();
  }

  private static ProviderSimulator simulator() {
    Account[] accounts =
        IntStream.rangeClosed(0, KEYS.size())
            .mapToObj(
                n -> n < KEYS.size() ? account(KEYS.get(n), LIMIT) : account("warm", 0)) // no limit
            .toArray(Account[]::new);
    return ProviderSimulator.start(Settings.of(WINDOW, accounts));
  }

  private static Account account(String id, int limit) {
    return new Account(id, List.of(Setup.secret(id)), limit, 0, 0, 0);
  }

  private Setup setup() {
    String url = provider.url().toString();
    return new Setup()
        .provider("warm", Dialect.ANTHROPIC, url, Setup.key("warm"))
        .provider(
            "shared",
            Dialect.ANTHROPIC,
            url,
            List.of("pooling: { window_ms: " + WINDOW.toMillis() + " }"),
            KEYS.stream().map(id -> Setup.key(id, "rpm_limit: " + LIMIT)).toList());
  }

  private Arrivals arrivals(String model) {
    List<Integer> ports = List.of(replicas.port(0), replicas.port(1));
    return new Arrivals(ports, Ask.of(Dialect.ANTHROPIC, model), new Random(7));
  }

  @Test
  @Order(1)
  void a_newcomers_first_requests_go_at_once() throws Exception {
    try (Arrivals warm = arrivals("warm")) {
      warm.together(400); // a cold JVM is slow enough for buckets to refill meanwhile
      assertEquals(400, warm.served(), warm.failures().toString());
    }
    int half = KEYS.size() * LIMIT / 2;
    arrivals.together(half);
    assertEquals(half, arrivals.served(), "half of the limit should go at once");
  }

  @Test
  @Order(2)
  void all_of_the_limits_is_used_and_the_provider_never_refuses() throws Exception {
    long start = provider.nowNanos();
    int before0 = arrivals.served(0);
    int before1 = arrivals.served(1);
    arrivals.arrive(2.2 * PER_SECOND, WINDOW.multipliedBy(3));
    long from = start + WINDOW_NANOS; // in the first window the burst counts, too
    long to = start + 3 * WINDOW_NANOS;

    assertEquals(List.of(), arrivals.failures());
    assertEquals(0, provider.stats().refused(), "429s of the provider");
    double all = 0;
    for (String key : KEYS) {
      all += provider.usedShare(key, Dimension.REQUESTS, from, to) / KEYS.size();
    }
    assertTrue(all >= 0.98, "used " + all + " of the limits");
    for (String key : KEYS) {
      double used = provider.usedShare(key, Dimension.REQUESTS, from, to);
      assertTrue(Math.abs(used / all - 1) <= 0.05, key + " used " + used + ", all " + all);
    }
    assertTrue(arrivals.refused() > 0, "the load did not saturate the pool");
    long pause = longestPause(from, to);
    assertTrue(pause <= WINDOW_NANOS / 10, "a pause of " + pause / 1_000_000 + " ms");
    double share0 = arrivals.served(0) - before0;
    double share1 = arrivals.served(1) - before1;
    double part = share0 / (share0 + share1);
    assertTrue(part > 0.4 && part < 0.6, "the first replica carried " + part);
  }

  private long longestPause(long from, long to) {
    long[] times =
        KEYS.stream()
            .flatMapToLong(key -> LongStream.of(provider.admissions(key, from, to)))
            .sorted()
            .toArray();
    long last = from;
    long longest = 0;
    for (long time : times) {
      longest = Math.max(longest, time - last);
      last = time;
    }
    return Math.max(longest, to - last);
  }

  @Test
  @Order(3)
  void lost_state_under_load_leads_to_no_refusal_and_no_failed_request() throws Exception {
    CompletableFuture<Void> load =
        CompletableFuture.runAsync(
            () -> {
              try {
                arrivals.arrive(2 * PER_SECOND, Duration.ofSeconds(7));
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    long start = System.nanoTime();
    try (RedisSocket redis = replicas.redisSocket()) {
      for (int n = 1; n <= 5; n++) {
        Await.moment(start + n * 450_000_000L);
        assertEquals("OK", redis.text("FLUSHALL"));
      }
    }
    long lost = provider.nowNanos();
    load.join();
    assertEquals(List.of(), arrivals.failures());
    assertEquals(0, provider.stats().refused(), "429s of the provider");
    double used = 0;
    for (String key : KEYS) {
      long to = lost + WINDOW_NANOS;
      used += provider.usedShare(key, Dimension.REQUESTS, lost, to) / KEYS.size();
    }
    assertTrue(used >= 0.9, "after the loss the flow goes on at the limits' rate, not at " + used);
  }
}
