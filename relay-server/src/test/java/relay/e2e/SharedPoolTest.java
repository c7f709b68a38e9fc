package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * The core promise: two replica processes use the full limits of four keys, and a provider with
 * real token buckets never refuses. The tests follow one pool from its first request.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SharedPoolTest {
  private static final Duration WINDOW = Duration.ofSeconds(4);
  private static final long WINDOW_NANOS = WINDOW.toNanos();
  private static final List<String> KEYS = List.of("s1", "s2", "s3", "s4");

  /** Requests per window and key; a request is half a percent of it. */
  private static final int LIMIT = 200;

  /** The number of windows until the flow is even. */
  private static final int LEVELLED = 3;

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
    List<Account> accounts = new ArrayList<>();
    KEYS.forEach(id -> accounts.add(account(id, List.of(Setup.secret(id)), LIMIT)));
    List<String> free = new ArrayList<>(RetryAfterProbe.secrets());
    free.add(Setup.secret("warm"));
    accounts.add(account("free", free, 0)); // no limit
    return ProviderSimulator.start(Settings.of(WINDOW, accounts.toArray(Account[]::new)));
  }

  private static Account account(String id, List<String> secrets, int limit) {
    return new Account(id, secrets, limit, 0, 0, 0);
  }

  private Setup setup() {
    String url = provider.url().toString();
    Setup setup = new Setup();
    RetryAfterProbe.addPools(setup, url);
    return setup
        .provider("warm", Dialect.ANTHROPIC, url, Setup.key("warm"))
        .provider(
            "shared",
            Dialect.ANTHROPIC,
            url,
            List.of(
                "pooling: { accounting: sliding_window, affinity: none, window_ms: "
                    + WINDOW.toMillis()
                    + " }"),
            KEYS.stream().map(id -> Setup.key(id, "rpm_limit: " + LIMIT)).toList());
  }

  private Arrivals arrivals(String model) {
    List<Integer> ports = List.of(replicas.port(0), replicas.port(1));
    return new Arrivals(ports, Ask.of(Dialect.ANTHROPIC, model), new Random(7));
  }

  @Test
  @Order(1)
  void the_first_requests_of_an_idle_pool_pass_at_once() throws Exception {
    try (Arrivals warm = arrivals("warm")) {
      warm.together(300); // warm up: in a slow, cold JVM the buckets would refill meanwhile
      assertEquals(300, warm.served(), warm.failures().toString());
    }
    int half = KEYS.size() * LIMIT / 2;
    arrivals.together(half);
    assertEquals(half, arrivals.served(), "half of the limit should go at once");
  }

  @Test
  @Order(2)
  void the_full_limits_are_used_evenly_and_the_provider_never_refuses() throws Exception {
    long start = provider.nowNanos();
    int before0 = arrivals.served(0);
    int before1 = arrivals.served(1);
    List<Stretch> stretches = new ArrayList<>();
    // The initial burst recurs every window, lower each time. A stalled machine loses the capacity
    // of that moment, so the measurement may be repeated.
    arrivals.saturateDuring(
        2.2 * PER_SECOND,
        () -> {
          do {
            long from = start + (LEVELLED + stretches.size()) * WINDOW_NANOS;
            long to = from + 2 * WINDOW_NANOS;
            Await.moment(System.nanoTime() + to - provider.nowNanos());
            stretches.add(stretch(from, to));
          } while (!stretches.getLast().isFullAndEven() && stretches.size() < 6);
        });
    assertEquals(List.of(), arrivals.failures());
    assertEquals(0, provider.stats().refused(), "429s of the provider");
    assertTrue(stretches.getLast().isFullAndEven(), stretches.toString());
    assertTrue(arrivals.refused() > 0, "the load did not saturate the pool");
    double share0 = arrivals.served(0) - before0;
    double share1 = arrivals.served(1) - before1;
    double part = share0 / (share0 + share1);
    assertTrue(part > 0.4 && part < 0.6, "the first replica carried " + part);
  }

  /**
   * Measurements over two windows under load.
   *
   * @param used the used share of the limits
   * @param stalled the part of the time in which the machine stood still: no pause of Relay's own
   *     is longer than a fiftieth of a window, as EvenFlowTest holds
   * @param unevenness the largest deviation of a key's share from the average
   * @param pause the longest time without an admitted request
   */
  private record Stretch(double used, double stalled, double unevenness, Duration pause) {
    boolean isFullAndEven() {
      return used + stalled >= 0.98
          && unevenness <= 0.05
          && pause.compareTo(WINDOW.dividedBy(10)) <= 0;
    }
  }

  private Stretch stretch(long from, long to) {
    double used = used(from, to);
    double unevenness = 0;
    for (String key : KEYS) {
      double of = provider.usedShare(key, Dimension.REQUESTS, from, to);
      unevenness = Math.max(unevenness, Math.abs(of / used - 1));
    }
    long stalled = pauses(from - WINDOW_NANOS, to).filter(pause -> pause > WINDOW_NANOS / 50).sum();
    long longest = pauses(from, to).max().orElseThrow();
    return new Stretch(used, (double) stalled / (to - from), unevenness, Duration.ofNanos(longest));
  }

  private double used(long from, long to) {
    return KEYS.stream()
        .mapToDouble(key -> provider.usedShare(key, Dimension.REQUESTS, from, to))
        .average()
        .orElseThrow();
  }

  /** The times without an admitted request. */
  private LongStream pauses(long from, long to) {
    long[] times =
        LongStream.concat(
                LongStream.of(from, to),
                KEYS.stream()
                    .flatMapToLong(key -> LongStream.of(provider.admissions(key, from, to))))
            .sorted()
            .toArray();
    return IntStream.range(1, times.length).mapToLong(n -> times[n] - times[n - 1]);
  }

  @Test
  @Order(3)
  void state_loss_under_load_causes_no_refusal_and_no_failed_request() throws Exception {
    AtomicLong lost = new AtomicLong();
    try (RedisSocket redis = replicas.redisSocket()) {
      arrivals.saturateDuring(
          2 * PER_SECOND,
          () -> {
            long start = System.nanoTime();
            for (int n = 1; n <= 5; n++) {
              Await.moment(start + n * 400_000_000L);
              assertEquals("OK", redis.text("FLUSHALL"));
            }
            lost.set(provider.nowNanos());
            Await.moment(System.nanoTime() + WINDOW_NANOS);
          });
    }
    assertEquals(List.of(), arrivals.failures());
    assertEquals(0, provider.stats().refused(), "429s of the provider");
    // The pool restarts in full debt, and its burst shrinks as the window fills: half of the rate.
    double used = used(lost.get(), lost.get() + WINDOW_NANOS);
    assertTrue(used >= 0.4, "after the loss the pool goes on, but at " + used);
  }

  @Test
  @Order(4)
  void retry_after_is_exact() throws Exception {
    new RetryAfterProbe().run(replicas);
  }
}
