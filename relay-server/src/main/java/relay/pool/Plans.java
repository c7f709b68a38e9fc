package relay.pool;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import relay.config.OutboundTls;
import relay.config.ProviderConfig;
import relay.config.RedisConfig;
import relay.config.RedisUrl;
import relay.config.Secret;
import relay.config.ServerConfig.Auth;
import relay.config.TlsConfig;
import relay.redis.RedisEngine;
import relay.redis.UsageTally;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.RedisServers;
import relay.redis.model.Strategy;

/** Converts the configuration of pools and Redis to the engine's types. */
public final class Plans {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private Plans() {}

  /** A provider's pool as configured. Contains no secrets. */
  public static PoolPlan of(ProviderConfig provider) {
    return of(provider, Map.of());
  }

  /** A provider's pool, in which accounts of one organisation may count as one. */
  public static PoolPlan of(ProviderConfig provider, Organizations organizations) {
    return of(provider, organizations.merged());
  }

  private static PoolPlan of(ProviderConfig provider, Map<String, String> merged) {
    ProviderConfig.Pooling pooling = provider.pooling();
    List<KeyPlan> keys =
        provider.keys().stream()
            .map(
                key ->
                    new KeyPlan(
                        key.id(),
                        merged(merged, key.quota()),
                        key.priority(),
                        key.weight(),
                        key.maxConcurrent(),
                        pooling.enforce()))
            .toList();
    Map<String, Limits> limits = new HashMap<>();
    Map<String, Days.Count> daily = new HashMap<>();
    for (ProviderConfig.QuotaGroup group : provider.groups()) {
      String account = merged(merged, group.account());
      String id = PoolPlan.group(account, group.modelClass());
      limits.merge(id, limits(group.limits()), (first, more) -> first.areKnown() ? first : more);
      Days.Count ofDay = new Days.Count(group.limits().rpd(), group.limits().tpd());
      if (ofDay.requests() > 0 || ofDay.tokens() > 0) {
        daily.putIfAbsent(id, ofDay);
      }
    }
    return new PoolPlan(
        provider.name(),
        pooling.window(),
        strategy(pooling.strategy()),
        accounting(pooling.accounting()),
        pooling.burstRatio(),
        provider.classNames(),
        keys,
        limits,
        false,
        days(daily, pooling.day()));
  }

  /** The account that counts for an account, or for the one of a workspace. */
  private static String merged(Map<String, String> merged, String account) {
    int slash = account.indexOf('/');
    String whole = slash < 0 ? account : account.substring(0, slash);
    return merged.getOrDefault(whole, whole) + account.substring(whole.length());
  }

  private static Days days(
      Map<String, Days.Count> limits, ProviderConfig.@Nullable DayStart begins) {
    return begins == null
        ? new Days(limits, null, ZoneOffset.UTC)
        : new Days(limits, begins.starts(), begins.zone());
  }

  /**
   * The pool of clients' own limits. Each limited client has a key with its name and its own
   * account; there is one model class. Empty if no client has limits.
   */
  public static Optional<PoolPlan> ofClients(Auth auth) {
    return ClientsPool.of(auth);
  }

  /** Counts the usage of clients without own limits. */
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
      case AUTO -> Accounting.AUTO;
      case SLIDING_WINDOW -> Accounting.SLIDING_WINDOW;
      case TOKEN_BUCKET -> Accounting.TOKEN_BUCKET;
    };
  }

  /**
   * The engine's options.
   *
   * @param servers the {@link #servers} of the configuration, or the embedded Redis
   * @param replica this replica's id
   */
  public static EngineOptions options(RedisConfig redis, RedisServers servers, String replica) {
    return new EngineOptions(
        servers,
        redis.prefix(),
        replica,
        redis.timeout(),
        fallback(redis.onUnavailable()),
        EngineOptions.DEFAULT_LEASE);
  }

  /**
   * The options for command line access: it does not count as a replica, and has a longer timeout
   * than a request.
   */
  public static EngineOptions onlooker(RedisConfig redis, RedisServers servers) {
    return new EngineOptions(
        servers,
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

  /** Where Redis runs, and how to log in. */
  public static RedisServers servers(RedisConfig redis, RedisUrl url) {
    OutboundTls tls = redis.tls();
    Secret password = url.password();
    String master = url.master();
    return new RedisServers(
        redis.cluster()
            ? RedisServers.Topology.CLUSTER
            : master != null ? RedisServers.Topology.SENTINEL : RedisServers.Topology.STANDALONE,
        url.servers().stream()
            .map(server -> InetSocketAddress.createUnresolved(server.host(), server.port()))
            .toList(),
        master == null ? "" : master,
        url.database(),
        redis.passwordFile() != null
            ? new RedisServers.Login(redis.username(), null, redis.passwordFile())
            : new RedisServers.Login(
                url.username(), password == null ? null : password.reveal(), null),
        tls != null ? tls(tls) : url.tls() ? RedisServers.Tls.DEFAULT : null);
  }

  private static RedisServers.Tls tls(OutboundTls tls) {
    TlsConfig own = tls.own();
    return own == null
        ? new RedisServers.Tls(tls.authorities(), List.of(), null)
        : new RedisServers.Tls(tls.authorities(), own.chain(), own.privateKey());
  }
}
