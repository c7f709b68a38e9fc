package relay;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admission.OwnProbes;
import relay.admission.Route;
import relay.admission.Routes;
import relay.auth.Clients;
import relay.config.Config;
import relay.config.Credential;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.ServerConfig;
import relay.leases.LeaseApi;
import relay.metrics.Meters;
import relay.pipeline.KeyProbes;
import relay.pipeline.RequestPipeline;
import relay.pool.Organizations;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.UsageTally;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.reload.ConfigState;
import relay.trace.Tracing;
import relay.upstream.ProviderApi;
import relay.upstream.Upstream;

/**
 * Builds routes and pools from the configuration, and replaces them on a reload.
 *
 * <p>A reload keeps the pools, connections and access tokens that still fit, so usage, leases,
 * cooldowns and estimates stay. It builds the new {@link Parts} while the old ones serve, and then
 * switches new requests over with one write. A pool that only earlier configurations use is retired
 * when their last request has ended. One thread at a time calls {@link #take}; any thread may call
 * the getters.
 */
final class LiveConfiguration {
  private static final Logger log = LoggerFactory.getLogger(LiveConfiguration.class);

  /** A reload waits this long for Redis to confirm the new plans, and then goes on without. */
  private static final Duration REDIS_PATIENCE = Duration.ofSeconds(2);

  /** The routes and pools of one configuration. */
  private record Parts(
      Config config,
      List<Route> routes,
      @Nullable PoolPlan clientsPlan,
      @Nullable KeyPool clientsPool) {

    Set<KeyPool> pools() {
      Set<KeyPool> pools = Collections.newSetFromMap(new IdentityHashMap<>());
      routes.forEach(route -> pools.add(route.pool()));
      if (clientsPool != null) {
        pools.add(clientsPool);
      }
      return pools;
    }
  }

  private final RedisEngine engine;
  private final Upstream upstream;
  private final Meters meters;
  private final UsageTally tally;
  private final RequestPipeline pipeline;
  private final Executor thread;
  private final Executor carriers;
  private final Map<String, KeyPool> open = new HashMap<>(); // by name, until retired
  private final Map<String, Organizations> organizations = new HashMap<>(); // as open
  // the present configuration, and earlier ones with running requests
  private final Set<Parts> inUse = Collections.newSetFromMap(new IdentityHashMap<>());
  private volatile Parts parts;

  /**
   * @param tracing null if requests are not traced
   * @param background how long the lease of a background response is held without a sign of it
   * @param thread the thread that calls {@link #take}; it also retires unused pools
   * @param carriers run calls that block
   */
  LiveConfiguration(
      Config first,
      RedisEngine engine,
      Upstream upstream,
      Meters meters,
      @Nullable Tracing tracing,
      Duration background,
      Executor thread,
      Executor carriers) {
    this.engine = engine;
    this.upstream = upstream;
    this.meters = meters;
    this.thread = thread;
    this.carriers = carriers;
    parts = parts(first, null, new ArrayList<>());
    inUse.add(parts);
    tally = Plans.tally(engine, first.server().auth());
    LeaseApi leases = new LeaseApi(engine.notes(LeaseApi.NOTES));
    pipeline = new RequestPipeline(serving(parts), meters, tracing, background, leases);
    showPools();
  }

  RequestPipeline pipeline() {
    return pipeline;
  }

  Config config() {
    return parts.config();
  }

  List<Route> routes() {
    return parts.routes();
  }

  Collection<KeyPool> pools() {
    return parts.routes().stream().map(Route::pool).toList();
  }

  @Nullable KeyPool clientsPool() {
    return parts.clientsPool();
  }

  UsageTally tally() {
    return tally;
  }

  /** Switches new requests to another configuration. Running requests end under the old one. */
  void take(Config next, ConfigState state) {
    engine.runs(state.hash(), state.since());
    meters.reconfigure(next); // before a request counts under a name that only the new one has
    List<CompletableFuture<Void>> told = new ArrayList<>();
    Parts before = parts;
    Parts now = parts(next, before, told);
    tally.reconfigure(Plans.tallied(next.server().auth()));
    await(told);
    inUse.add(now);
    parts = now;
    pipeline.serveBy(serving(now), () -> over(before));
    upstream.idleTimeout(next.server().idleTimeout());
    closeConnections(before, now);
    showPools();
  }

  private Parts parts(Config config, @Nullable Parts before, List<CompletableFuture<Void>> told) {
    Duration connectTimeout = config.server().connectTimeout();
    Map<String, Route> known = before == null ? Map.of() : byName(before.routes());
    List<ProviderApi> apis = new ArrayList<>();
    for (ProviderConfig provider : config.enabledProviders()) {
      Route route = known.get(provider.name());
      ProviderApi previous = route == null ? null : route.api();
      ProviderApi api = new ProviderApi(upstream, provider, connectTimeout, previous);
      if (previous != null) {
        previous.succeededBy(api); // before Redis may grant a key that only the new config has
      }
      apis.add(api);
    }
    List<Route> routes = new ArrayList<>();
    for (ProviderApi api : apis) {
      ProviderConfig provider = api.config();
      Route route = known.get(provider.name());
      Set<String> rekeyed = route == null ? Set.of() : rekeyed(route.api().config(), provider);
      Organizations owners = organizations(provider);
      KeyPool pool = pool(Plans.of(provider, owners), rekeyed, told);
      routes.add(
          new Route(
              api,
              pool,
              engine.pins(provider.name()),
              owners,
              engine.breaker(provider.name()),
              engine.refusals(provider.name()),
              new OwnProbes(key -> KeyProbes.isRefused(api, key), carriers, System::nanoTime)));
    }
    PoolPlan clients = Plans.ofClients(config.server().auth()).orElse(null);
    return new Parts(
        config,
        List.copyOf(routes),
        clients,
        clients == null ? null : pool(clients, Set.of(), told));
  }

  private Organizations organizations(ProviderConfig provider) {
    Organizations known = organizations.get(provider.name());
    if (known == null) {
      known = new Organizations(provider, () -> regroup(provider.name()));
      organizations.put(provider.name(), known);
    } else {
      known.reconfigure(provider);
    }
    return known;
  }

  /** Other accounts of a pool are one organisation. Called by any thread. */
  private void regroup(String name) {
    try {
      thread.execute(
          () ->
              parts.routes().stream()
                  .filter(route -> route.name().equals(name))
                  .forEach(this::regroup));
    } catch (RejectedExecutionException e) {
      // the replica is stopping
    }
  }

  private void regroup(Route route) {
    meters.countedApart(route.name(), route.organizations().countedApart());
    PoolPlan plan = Plans.of(route.api().config(), route.organizations());
    var _ = pool(plan, Set.of(), new ArrayList<>());
  }

  /** Lists of accounts that are one organisation and count apart, by a pool's name. */
  List<List<String>> countedApart(String pool) {
    return parts.routes().stream()
        .filter(route -> route.name().equals(pool))
        .flatMap(route -> route.organizations().countedApart().stream())
        .toList();
  }

  private static Map<String, Route> byName(List<Route> routes) {
    return routes.stream()
        .collect(Collectors.toMap(route -> route.api().config().name(), route -> route));
  }

  /** Ids of the keys whose credential has changed. */
  private static Set<String> rekeyed(ProviderConfig before, ProviderConfig next) {
    Map<String, Credential> credentials = new HashMap<>();
    before.keys().forEach(key -> credentials.put(key.id(), key.credential()));
    Set<String> rekeyed = new HashSet<>();
    for (KeyConfig key : next.keys()) {
      Credential known = credentials.get(key.id());
      if (known != null && !known.equals(key.credential())) {
        rekeyed.add(key.id());
      }
    }
    return rekeyed;
  }

  /** Opens the plan's pool, or reconfigures the open one if its plan or a secret has changed. */
  private KeyPool pool(PoolPlan plan, Set<String> rekeyed, List<CompletableFuture<Void>> told) {
    KeyPool known = open.get(plan.name());
    if (known == null) {
      KeyPool opened = engine.pool(plan);
      open.put(plan.name(), opened);
      return opened;
    }
    if (!known.plan().equals(plan) || !rekeyed.isEmpty()) {
      told.add(known.reconfigure(plan, rekeyed));
    }
    return known;
  }

  private static void await(List<CompletableFuture<Void>> told) {
    try {
      CompletableFuture.allOf(told.toArray(CompletableFuture[]::new))
          .get(REDIS_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.warn("Redis has not confirmed the new config; Relay sends it again when Redis answers");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private RequestPipeline.Serving serving(Parts of) {
    ServerConfig server = of.config().server();
    PoolPlan clients = of.clientsPlan();
    return new RequestPipeline.Serving(
        new Clients(server.auth()),
        of.clientsPool(),
        clients == null
            ? Set.of()
            : clients.keys().stream().map(KeyPlan::id).collect(Collectors.toSet()),
        tally,
        of.config().prices(),
        new Routes(of.routes(), of.config().routing(), new Random()),
        new RequestPipeline.Bounds(
            server.maxBodyBytes(),
            server.maxUploadBytes(),
            server.maxConcurrent(),
            server.idleTimeout()),
        LogSettings.requestLog(of.config().logging()));
  }

  private void closeConnections(Parts before, Parts now) {
    for (Route old : before.routes()) {
      if (now.routes().stream().noneMatch(r -> r.api().sharesConnectionsWith(old.api()))) {
        old.api().close();
      }
    }
  }

  private void showPools() {
    Parts now = parts;
    for (Route route : now.routes()) {
      meters.countedApart(route.name(), route.organizations().countedApart());
    }
    meters.bind(engine, pools());
    meters.bindClients(now.clientsPlan(), now.clientsPool());
  }

  /** Called by any thread when the last request of a configuration has ended. */
  private void over(Parts ended) {
    try {
      thread.execute(() -> clear(ended));
    } catch (RejectedExecutionException e) {
      // the replica is stopping, which closes every pool
    }
  }

  private void clear(Parts ended) {
    inUse.remove(ended);
    Set<KeyPool> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    inUse.forEach(one -> needed.addAll(one.pools()));
    for (KeyPool pool : List.copyOf(open.values())) {
      if (!needed.contains(pool)) {
        open.remove(pool.plan().name());
        organizations.remove(pool.plan().name());
        var _ = pool.retire();
      }
    }
  }
}
