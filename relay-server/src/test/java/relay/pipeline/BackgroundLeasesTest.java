package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.admission.BackgroundLease;
import relay.admission.ClientQuota;
import relay.config.Config;
import relay.config.ProviderConfig;
import relay.embedded.EmbeddedRedis;
import relay.metrics.ClientMeters;
import relay.metrics.Meters;
import relay.model.TokenUsage;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.Pins;
import relay.redis.RedisEngine;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.Usage;

/** How long, and how many, leases of responses in the background are held. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class BackgroundLeasesTest {
  private static final Duration MOST = Duration.ofMinutes(10);
  private static final TokenUsage USED = new TokenUsage(7, 0, 0, 3);

  private final AtomicLong nanos = new AtomicLong();
  private final Queue<Runnable> later = new ArrayDeque<>();
  private final BackgroundResponses held = new BackgroundResponses(MOST, later::add, nanos::get);
  private EmbeddedRedis redis;
  private RedisEngine engine;
  private Meters meters;
  private ProviderConfig provider;
  private KeyPool pool;
  private Pins pins;

  @BeforeEach
  void start() throws IOException {
    redis = EmbeddedRedis.start();
    Config config = Configs.of(Configs.POOLS);
    engine = RedisEngine.start(Configs.replica(config, redis.url(), "a"));
    meters = new Meters(config);
    provider = config.enabledProviders().getFirst();
    pool = engine.pool(Plans.of(provider));
    pins = engine.pins(provider.name());
  }

  @AfterEach
  void stop() throws IOException {
    engine.close();
    meters.close();
    redis.close();
  }

  private static BackgroundResponses.Id id(String response) {
    return new BackgroundResponses.Id("pool", "account", Pins.hash(response));
  }

  private Lease granted() {
    Demand demand = Demand.of(pool.plan().modelClasses().getFirst(), 20, 10);
    return assertInstanceOf(Granted.class, pool.acquire(demand).join()).lease();
  }

  private BackgroundLease of(Lease lease) {
    return new BackgroundLease(
        lease,
        ClientQuota.NONE,
        provider.countingOf("model"),
        -1,
        new ClientMeters.Served("client", provider.name(), "model", "model", ""),
        meters);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
    later.remove().run();
  }

  private static @Nullable Usage charged(Lease lease) {
    return lease.charged();
  }

  @Test
  void a_lease_is_held_while_answers_show_its_response_running_and_ten_minutes_longer() {
    Lease lease = granted();
    assertNotNull(held.hold(id("resp_1"), pins, of(lease)));
    for (int n = 0; n < 5; n++) {
      pass(MOST.minusSeconds(1));
      assertNull(charged(lease));
      held.saw(id("resp_1"), pins, "running " + n).join();
      assertEquals(
          List.of("running " + n),
          pins.told(List.of(id("resp_1").hash())).join(),
          "others can still tell of it");
    }
    pass(MOST.minusSeconds(1));
    assertNull(charged(lease));
    pass(Duration.ofSeconds(1));
    assertEquals(new Usage(1, 20, 10), charged(lease), "what was reserved");
    assertEquals(0, later.size(), "nothing is held, so nobody looks");
  }

  @Test
  void the_end_is_charged_once() {
    Lease lease = granted();
    assertNotNull(held.hold(id("resp_1"), pins, of(lease)));
    held.saw(id("resp_1"), pins, BackgroundResponses.over(USED)).join();
    assertEquals(new Usage(1, 7, 3), charged(lease));
    held.saw(id("resp_1"), pins, BackgroundResponses.over(null)).join();
    pass(MOST);
    assertEquals(new Usage(1, 7, 3), charged(lease));
  }

  @Test
  void the_leases_that_are_held_are_bounded() {
    BackgroundLease lease = of(granted());
    for (int n = 0; n < BackgroundResponses.MOST; n++) {
      assertNotNull(held.hold(id("resp_" + n), pins, lease));
    }
    assertNull(held.hold(id("resp_more"), pins, lease));
    held.saw(id("resp_0"), pins, BackgroundResponses.over(null)).join();
    assertNotNull(held.hold(id("resp_more"), pins, lease));
  }

  @Test
  void a_response_of_another_account_is_another() {
    Lease lease = granted();
    assertNotNull(held.hold(id("resp_1"), pins, of(lease)));
    BackgroundResponses.Id other = new BackgroundResponses.Id("pool", "other", Pins.hash("resp_1"));
    held.saw(other, pins, BackgroundResponses.over(null)).join();
    pass(Duration.ofSeconds(1));
    assertNull(charged(lease));
    assertNull(held.hold(id("resp_1"), pins, of(lease)), "it is held already");
  }
}
