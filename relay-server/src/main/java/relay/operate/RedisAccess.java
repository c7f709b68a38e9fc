package relay.operate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import relay.config.Config;
import relay.config.ConfigOutline;
import relay.config.ProviderConfig;
import relay.config.RedisUrl;
import relay.config.ServerConfig;
import relay.pool.Plans;
import relay.pool.PoolJson;
import relay.redis.KeyPlan;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;

/** Uses the Redis that the configuration names; no replica needs to run. */
final class RedisAccess implements PoolsAccess {
  private final RedisEngine engine;
  private final ServerConfig server;
  private final Map<String, KeyPool> pools = new LinkedHashMap<>();
  private final String address;
  private final PoolJson.Configuration own;

  RedisAccess(Config config, RedisUrl redis) {
    address = redis.addresses();
    server = config.server();
    own = new PoolJson.Configuration(ConfigOutline.of(config).hash(), null, List.of(), List.of());
    engine =
        RedisEngine.start(Plans.onlooker(config.redis(), Plans.servers(config.redis(), redis)));
    for (ProviderConfig provider : config.enabledProviders()) {
      if (provider.keys().isEmpty()) { // all have ids by secrets that are not set here
        continue;
      }
      pools.put(provider.name(), engine.pool(Plans.of(provider)));
    }
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
    try (AdminAccess replica = AdminAccess.to(server)) {
      return replica.json();
    } catch (OperationFailed none) {
      throw silent;
    }
  }

  /** What Redis says; fails if it does not answer. */
  String present() throws OperationFailed {
    List<CompletableFuture<ObjectNode>> asked = pools.values().stream().map(this::state).toList();
    await(CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new)));
    return PoolJson.ofAll(own, asked.stream().map(CompletableFuture::join).toList()).toString();
  }

  private CompletableFuture<ObjectNode> state(KeyPool pool) {
    return pool.snapshot()
        .thenCombine(
            engine.breaker(pool.plan().name()).look(),
            (state, breaker) -> PoolJson.of(pool.plan(), state, breaker));
  }

  @Override
  public void cooldown(String pool, String key, Duration duration) throws OperationFailed {
    await(pool(pool, key).operatorCooldown(key, duration));
  }

  @Override
  public void quarantine(String pool, String key) throws OperationFailed {
    await(pool(pool, key).operatorQuarantine(key, "operator"));
  }

  @Override
  public void restore(String pool, String key) throws OperationFailed {
    await(pool(pool, key).restore(key));
  }

  private KeyPool pool(String name, String key) throws OperationFailed {
    KeyPool pool = pools.get(name);
    if (pool == null) {
      throw OperationFailed.badUsage(
          "unknown pool \"" + name + "\"; the config has " + String.join(", ", pools.keySet()));
    }
    if (pool.plan().keys().stream().map(KeyPlan::id).noneMatch(key::equals)) {
      throw OperationFailed.badUsage(
          "pool " + name + " has no key \"" + key + "\"; `relay keys` lists them");
    }
    return pool;
  }

  /** The engine has a timeout for every call. */
  private void await(CompletableFuture<?> answer) throws OperationFailed {
    try {
      answer.join();
    } catch (CompletionException e) {
      throw OperationFailed.atRunTime(
          "Redis at " + address + " cannot be used: " + engine.explained(e));
    }
  }

  @Override
  public void close() {
    engine.close();
  }
}
