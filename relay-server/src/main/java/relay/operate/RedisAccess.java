package relay.operate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import relay.config.Config;
import relay.config.ConfigOutline;
import relay.config.ProviderConfig;
import relay.config.RedisConfig;
import relay.config.RedisUrl;
import relay.pool.Plans;
import relay.pool.PoolJson;
import relay.pool.QuarantineReason;
import relay.pool.Quarantines;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;

/** Uses Redis; no replica needs to run. */
final class RedisAccess implements PoolsAccess {
  private final RedisEngine engine;
  private final Map<String, KeyPool> pools = new LinkedHashMap<>();
  private final String address;
  private final @Nullable Config config; // null: Redis tells which pools there are
  private final String source; // of the URL, if no config has it

  private RedisAccess(RedisConfig redis, RedisUrl url, @Nullable Config config, String source) {
    this.config = config;
    this.source = source;
    address = url.addresses();
    engine = RedisEngine.start(Plans.onlooker(redis, Plans.servers(redis, url)));
  }

  /** The pools of a configuration. */
  static RedisAccess of(Config config, RedisUrl url) {
    RedisAccess access = new RedisAccess(config.redis(), url, config, "redis.url");
    for (ProviderConfig provider : config.enabledProviders()) {
      if (provider.keys().isEmpty()) { // all have ids by secrets that are not set here
        continue;
      }
      access.open(Plans.of(provider));
    }
    return access;
  }

  /**
   * The pools that live replicas have in this Redis.
   *
   * @param source what the user gave its URL by, an option or a variable
   */
  static RedisAccess at(RedisConfig redis, String source) {
    return new RedisAccess(redis, Objects.requireNonNull(redis.url()), null, source);
  }

  private KeyPool open(PoolPlan plan) {
    KeyPool known = pools.get(plan.name());
    if (known != null && known.plan().equals(plan)) {
      return known;
    }
    KeyPool opened = engine.pool(plan);
    pools.put(plan.name(), opened);
    return opened;
  }

  @Override
  public String json() throws OperationFailed {
    try {
      return present();
    } catch (OperationFailed silent) {
      return lastKnown(silent);
    }
  }

  /** What the replica of this machine knew last, if one runs. */
  private String lastKnown(OperationFailed silent) throws OperationFailed {
    if (config == null) {
      throw silent;
    }
    try (AdminAccess replica = AdminAccess.to(config.server())) {
      return replica.json();
    } catch (OperationFailed none) {
      throw silent;
    }
  }

  /** What Redis says; fails if it does not answer. */
  String present() throws OperationFailed {
    if (config == null) {
      openStored();
    }
    List<CompletableFuture<ObjectNode>> asked = pools.values().stream().map(this::state).toList();
    await(CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new)));
    List<ObjectNode> states = asked.stream().map(CompletableFuture::join).toList();
    return PoolJson.ofAll(own(), engine.introductions(), states).toString();
  }

  private PoolJson.@Nullable Configuration own() {
    return config == null
        ? null
        : new PoolJson.Configuration(ConfigOutline.of(config).hash(), null, List.of(), List.of());
  }

  private CompletableFuture<ObjectNode> state(KeyPool pool) {
    return pool.snapshot()
        .thenCombine(
            engine.breaker(pool.plan().name()).look(),
            (state, breaker) -> PoolJson.of(pool.plan(), state, breaker))
        .thenCompose(json -> Quarantines.addTo(json, pool, Instant.now()));
  }

  /** Opens the pools that Redis holds. The first time all its keys are scanned. */
  private void openStored() throws OperationFailed {
    for (String name : pools.isEmpty() ? stored() : Set.copyOf(pools.keySet())) {
      await(engine.storedPlan(name)).ifPresent(this::open);
    }
    if (pools.isEmpty()) {
      throw none();
    }
  }

  private Set<String> stored() throws OperationFailed {
    try {
      return engine.storedPools();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw OperationFailed.atRunTime("interrupted");
    } catch (RuntimeException e) {
      throw failed(e);
    }
  }

  private OperationFailed none() {
    return OperationFailed.atRunTime(
        "Redis at "
            + address
            + " holds no pool that a replica has used in the last ten minutes; is --prefix right?");
  }

  @Override
  public void cooldown(String pool, String key, Duration duration) throws OperationFailed {
    await(pool(pool, key).operator().cooldown(key, duration));
  }

  @Override
  public void quarantine(String pool, String key, String words) throws OperationFailed {
    String reason = QuarantineReason.byOperator(words).orElseThrow();
    await(pool(pool, key).operator().quarantine(key, reason));
  }

  @Override
  public void restore(String pool, String key) throws OperationFailed {
    await(pool(pool, key).operator().restore(key));
  }

  private KeyPool pool(String name, String key) throws OperationFailed {
    if (config == null) {
      await(engine.storedPlan(name)).ifPresent(this::open);
    }
    KeyPool pool = pools.get(name);
    if (pool == null) {
      throw unknown(name);
    }
    if (pool.plan().keys().stream().map(KeyPlan::id).noneMatch(key::equals)) {
      throw OperationFailed.badUsage(
          "pool " + name + " has no key \"" + key + "\"; `relay keys` lists them");
    }
    return pool;
  }

  private OperationFailed unknown(String pool) throws OperationFailed {
    Set<String> known = config == null ? stored() : pools.keySet();
    return known.isEmpty()
        ? none()
        : OperationFailed.badUsage(
            "unknown pool \"%s\"; %s has %s"
                .formatted(
                    pool, config == null ? "Redis" : "the config", String.join(", ", known)));
  }

  /** The engine has a timeout for every call. */
  private <T> T await(CompletableFuture<T> answer) throws OperationFailed {
    try {
      return answer.join();
    } catch (CompletionException e) {
      throw failed(e);
    }
  }

  private OperationFailed failed(RuntimeException why) {
    return OperationFailed.atRunTime(
        "Redis at " + address + " cannot be used: " + inTermsOfUser(engine.explained(why)));
  }

  /** The engine names settings. Without a config the user gave options instead. */
  private String inTermsOfUser(String why) {
    return config != null
        ? why
        : why.replace("redis.username and redis.password_file, or the ", "the ")
            .replace("redis.url", source)
            .replace("redis.prefix", "--prefix");
  }

  @Override
  public void close() {
    engine.close();
  }
}
