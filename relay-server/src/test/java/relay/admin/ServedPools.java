package relay.admin;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.metrics.ReplicaTotals;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.reload.ConfigState;
import relay.reload.ReloadOutcome;

/** The pools of a configuration over a private Redis, for tests of the admin plane. */
public final class ServedPools implements AutoCloseable {
  private final Config config;
  private final EmbeddedRedis redis;
  private final RedisEngine engine;
  private final List<KeyPool> pools;
  private final @Nullable KeyPool clients;

  private ServedPools(Config config, EmbeddedRedis redis) {
    this.config = config;
    this.redis = redis;
    engine = RedisEngine.start(Configs.replica(config, redis.url(), "r-1"));
    pools = config.enabledProviders().stream().map(Plans::of).map(engine::pool).toList();
    clients = Plans.ofClients(config.server().auth()).map(engine::pool).orElse(null);
  }

  public static ServedPools of(Config config) throws IOException {
    return new ServedPools(config, EmbeddedRedis.start());
  }

  public String redisUrl() {
    return redis.url();
  }

  public RedisEngine engine() {
    return engine;
  }

  public List<KeyPool> pools() {
    return pools;
  }

  /** The clients' own limits. */
  KeyPool clients() {
    return Objects.requireNonNull(clients);
  }

  /** An admin server on loopback; the caller closes it. */
  public AdminServer serve() {
    return serve(config, pools, Readiness.Ready::new, "");
  }

  /** What the next {@code POST /reload} gives. */
  ReloadOutcome reloaded =
      new ReloadOutcome.Applied(
          new ConfigState("0123456789ab", Instant.EPOCH, List.of()), List.of());

  AdminServer serve(
      Config shown, List<KeyPool> served, Supplier<Readiness> readiness, String metrics) {
    return serve(Duration.ofMinutes(1), shown, served, readiness, metrics);
  }

  AdminServer serve(
      Duration patience,
      Config shown,
      List<KeyPool> served,
      Supplier<Readiness> readiness,
      String metrics) {
    AdminServer started =
        new AdminServer(
            patience,
            new AdminServer.Served(
                shown::server,
                readiness,
                () -> metrics,
                () -> served,
                engine::breaker,
                _ -> List.of(),
                () -> clients,
                Plans.tally(engine, shown.server().auth()),
                this::totals,
                this::answers,
                engine::introductions,
                () -> new ConfigState("0123456789ab", Instant.EPOCH, List.of()),
                () -> CompletableFuture.completedFuture(reloaded)));
    engine.introduce(started::introduction);
    started.start("127.0.0.1", 0);
    return started;
  }

  /** What the replica has refused so far. */
  volatile Map<String, Map<String, Long>> poolDenials = Map.of();

  /** What its clients have had. */
  volatile Map<String, ClientCounts> clientCounts = Map.of();

  private ReplicaTotals.Answers answers() {
    return new ReplicaTotals.Answers("shared", 7, 0, 0, 0);
  }

  private ReplicaTotals totals() {
    ReplicaTotals.Histogram none = new ReplicaTotals.Histogram(List.of(), List.of(), 0);
    return new ReplicaTotals(
        engine.isUp(), "shared", 7, 0, 0, 0, 0, 0, 0, 0, 0, none, none, poolDenials, clientCounts);
  }

  /** From now on Redis does not answer. */
  void stopRedis() {
    redis.close();
  }

  @Override
  public void close() {
    engine.close();
    redis.close();
  }
}
