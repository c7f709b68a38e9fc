package relay.pool;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig;
import relay.config.RedisConfig;
import relay.config.RedisUrl;
import relay.config.Secret;
import relay.config.ServerConfig.Auth;
import relay.redis.Accounting;
import relay.redis.EngineOptions;
import relay.redis.Fallback;
import relay.redis.KeyPlan;
import relay.redis.Limits;
import relay.redis.PoolPlan;
import relay.redis.RedisEngine;
import relay.redis.Strategy;
import relay.redis.UsageTally;

/** What the configuration says of pools and Redis, in the engine's words. */
public final class Plans {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private Plans() {}

  /** The pool of a provider. Holds no secret. */
  public static PoolPlan of(ProviderConfig provider) {
    ProviderConfig.Pooling pooling = provider.pooling();
    List<KeyPlan> keys =
        provider.keys().stream()
            .map(
                key ->
                    new KeyPlan(
                        key.id(),
                        key.account(),
                        key.priority(),
                        key.weight(),
                        key.maxConcurrent(),
                        pooling.enforce()))
            .toList();
    Map<String, Limits> limits = new HashMap<>();
    for (ProviderConfig.QuotaGroup group : provider.groups()) {
      limits.put(group.id(), limits(group.limits()));
    }
    return new PoolPlan(
        provider.name(),
        pooling.window(),
        strategy(pooling.strategy()),
        accounting(pooling.accounting()),
        pooling.burstRatio(),
        provider.classNames(),
        keys,
        limits);
  }

  /**
   * The pool of clients' own limits: for each client that has any, a key with the client's name and
   * an account of its own, and one model class. Empty if no client has limits.
   */
  public static Optional<PoolPlan> ofClients(Auth auth) {
    return ClientsPool.of(auth);
  }

  /** Counts, beside that pool, what clients without limits of their own use. */
  public static UsageTally tally(RedisEngine engine, Auth auth) {
    return engine.tally(ClientsPool.NAME, ClientsPool.unlimited(auth));
  }

  /** Names of the clients that the tally counts: those without limits of their own. */
  public static List<String> tallied(Auth auth) {
    return ClientsPool.unlimited(auth);
  }

  static Limits limits(relay.config.LimitsConfig stated) {
    return new Limits(stated.rpm(), stated.itpm(), stated.otpm(), stated.tpm());
  }

  private static Strategy strategy(ProviderConfig.Strategy strategy) {
    return switch (strategy) {
      case LEAST_LOADED -> Strategy.LEAST_LOADED;
      case ROUND_ROBIN -> Strategy.ROUND_ROBIN;
      case RANDOM -> Strategy.RANDOM;
      case WEIGHTED -> Strategy.WEIGHTED;
    };
  }

  private static Accounting accounting(ProviderConfig.Accounting accounting) {
    return switch (accounting) {
      case SLIDING_WINDOW -> Accounting.SLIDING_WINDOW;
      case TOKEN_BUCKET -> Accounting.TOKEN_BUCKET;
    };
  }

  /**
   * How to reach Redis.
   *
   * @param url where it is: {@link #url} of the configuration's, or the embedded one's
   * @param replica this process's id among the replicas
   */
  public static EngineOptions options(RedisConfig redis, String url, String replica) {
    return new EngineOptions(
        url,
        redis.prefix(),
        replica,
        redis.timeout(),
        fallback(redis.onUnavailable()),
        EngineOptions.DEFAULT_LEASE);
  }

  /**
   * How a command looks into Redis, beside the replicas: it does not count as one, and it may wait
   * longer than a request.
   */
  public static EngineOptions onlooker(RedisConfig redis, String url) {
    return new EngineOptions(
        url,
        redis.prefix(),
        "",
        redis.timeout().compareTo(PATIENCE) > 0 ? redis.timeout() : PATIENCE,
        Fallback.CLOSED,
        EngineOptions.DEFAULT_LEASE);
  }

  private static Fallback fallback(RedisConfig.OnUnavailable onUnavailable) {
    return switch (onUnavailable) {
      case FAIR_SHARE -> Fallback.FAIR_SHARE;
      case CLOSED -> Fallback.CLOSED;
      case OPEN -> Fallback.OPEN;
    };
  }

  /** The URL as the engine takes it, credentials included: never log it. */
  public static String url(RedisUrl redis) {
    StringBuilder url = new StringBuilder(redis.tls() ? "rediss://" : "redis://");
    Secret password = redis.password();
    if (password != null) {
      url.append(encoded(redis.username())).append(':').append(encoded(password.reveal()));
      url.append('@');
    }
    return url.append(address(redis)).append('/').append(redis.database()).toString();
  }

  /** {@code host:port}, for messages. */
  public static String address(RedisUrl redis) {
    String host = redis.host();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + redis.port();
  }

  private static String encoded(@Nullable String text) {
    // The encoder is for forms, in which a plus is a space; in a URL a space is %20.
    return text == null ? "" : URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
