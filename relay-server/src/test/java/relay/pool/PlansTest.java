package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.config.Config;
import relay.config.RedisConfig;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Accounting;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.RedisServers;
import relay.redis.model.Strategy;

class PlansTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);

  @Test
  void a_provider_becomes_a_plan() {
    PoolPlan plan = Plans.of(CONFIG.providers().getFirst());
    assertEquals("anthropic", plan.name());
    assertEquals(Duration.ofSeconds(30), plan.window());
    assertEquals(Strategy.ROUND_ROBIN, plan.strategy());
    assertEquals(0.5, plan.burstRatio());
    assertEquals(List.of("opus", "default"), plan.modelClasses());
    assertEquals(
        List.of(
            new KeyPlan("acme-1", "acme", 2, 3, 4),
            new KeyPlan("acme-2", "acme", 1, 1, 0),
            new KeyPlan("solo", "solo", 1, 1, 0)),
        plan.keys());
    assertEquals(new Limits(50, 30_000, 8_000, 0), plan.limitsOf("acme/default"));
    assertEquals(new Limits(5, 0, 0, 0), plan.limitsOf("acme/opus"));
    assertEquals(new Limits(0, 0, 0, 1_000), plan.limitsOf("solo/default"));
  }

  @ParameterizedTest
  @CsvSource({
    "strategy: random, RANDOM, AUTO",
    "strategy: weighted, WEIGHTED, AUTO",
    "strategy: least_loaded, LEAST_LOADED, AUTO",
    "accounting: auto, LEAST_LOADED, AUTO",
    "accounting: sliding_window, LEAST_LOADED, SLIDING_WINDOW",
    "accounting: token_bucket, LEAST_LOADED, TOKEN_BUCKET"
  })
  void pooling_reaches_the_plan(String stated, Strategy strategy, Accounting accounting) {
    PoolPlan plan =
        Plans.of(
            Configs.of(
                    "providers: [{name: a, type: openai, keys: [{key: k}], pooling: {"
                        + stated
                        + "}}]")
                .providers()
                .getFirst());
    assertEquals(strategy, plan.strategy());
    assertEquals(accounting, plan.accounting());
  }

  @Test
  void a_plan_holds_no_secret() {
    assertFalse(Plans.of(CONFIG.providers().getFirst()).toString().contains("secret"));
  }

  private static final RedisServers SERVERS = RedisServers.of("redis://127.0.0.1:1");

  @Test
  void redis_becomes_the_engines_options() {
    Config config =
        Configs.of(
            "redis: { prefix: mine, timeout_ms: 250, on_unavailable: closed }\n" + Configs.POOLS);
    EngineOptions options = Plans.options(config.redis(), SERVERS, "r-1");
    assertEquals(
        new EngineOptions(
            SERVERS,
            "mine",
            "r-1",
            Duration.ofMillis(250),
            Fallback.CLOSED,
            EngineOptions.DEFAULT_LEASE),
        options);
    assertEquals("", Plans.onlooker(config.redis(), SERVERS).replica());
  }

  private static RedisServers servers(String redis) {
    RedisConfig config = Configs.of("redis: { " + redis + " }\n" + Configs.POOLS).redis();
    return Plans.servers(config, Objects.requireNonNull(config.url()));
  }

  private static RedisServers servers(
      RedisServers.Topology topology, List<InetSocketAddress> addresses, String master) {
    RedisServers.Login login = new RedisServers.Login("me", "p@ss:/", null);
    return new RedisServers(topology, addresses, master, 0, login, null);
  }

  @Test
  void every_form_of_redis_becomes_the_engines() {
    InetSocketAddress a = InetSocketAddress.createUnresolved("a", 1);
    InetSocketAddress b = InetSocketAddress.createUnresolved("b", 2);
    assertEquals(
        servers(RedisServers.Topology.STANDALONE, List.of(a), ""),
        servers("url: 'redis://me:p%40ss:/@a:1'"));
    assertEquals(
        servers(RedisServers.Topology.CLUSTER, List.of(a, b), ""),
        servers("url: 'redis://me:p%40ss:/@a:1,b:2', cluster: true"));
    assertEquals(
        servers(RedisServers.Topology.SENTINEL, List.of(a, b), "main"),
        servers("url: 'redis-sentinel://me:p%40ss:/@a:1,b:2/0#main'"));
    assertEquals(RedisServers.Tls.DEFAULT, servers("url: 'rediss://a:1'").tls());
    assertEquals(3, servers("url: 'redis://a/3'").database());
  }

  @Test
  void a_command_line_client_does_not_count_as_a_replica() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RedisEngine replica = RedisEngine.start(Configs.replica(CONFIG, redis.url(), "r-1"));
        RedisEngine onlooker =
            RedisEngine.start(Plans.onlooker(CONFIG.redis(), RedisServers.of(redis.url())))) {
      KeyPool pool = replica.pool(Plans.of(CONFIG.providers().getFirst()));
      assertTrue(pool.snapshot().join().groups().size() > 1);
      Await.until("the replica counts", () -> pool.snapshot().join().replicas() == 1);
      Config stale = Configs.of(Configs.POOLS.replace("rpm_limit: 50", "rpm_limit: 7"));
      PoolSnapshot seen = onlooker.pool(Plans.of(stale.providers().getFirst())).snapshot().join();
      long limit =
          seen.groups().stream()
              .filter(group -> group.id().equals("acme/default"))
              .findFirst()
              .orElseThrow()
              .limits()
              .requests();
      assertEquals(50, limit);
      assertEquals(1, seen.replicas());
    }
  }
}
