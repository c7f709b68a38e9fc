package relay.admission;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import relay.auth.Clients;
import relay.config.Config;
import relay.config.ProviderConfig;
import relay.metrics.Meters;
import relay.pool.Organizations;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.upstream.ProviderApi;
import relay.upstream.Upstream;

/** What admits requests under a configuration, as a replica puts it together. */
public record TestAdmission(
    Config config, RedisEngine engine, Clients clients, KeyPool clientsPool, List<Route> routes) {

  public static TestAdmission of(Config config, RedisEngine engine, Upstream upstream) {
    return new TestAdmission(
        config,
        engine,
        new Clients(config.server().auth()),
        engine.pool(Plans.ofClients(config.server().auth()).orElseThrow()),
        config.enabledProviders().stream().map(one -> route(one, engine, upstream)).toList());
  }

  private static Route route(ProviderConfig one, RedisEngine engine, Upstream upstream) {
    return new Route(
        new ProviderApi(upstream, one, Duration.ofMinutes(1), null),
        engine.pool(Plans.of(one)),
        engine.pins(one.name()),
        new Organizations(one, () -> {}),
        engine.breaker(one.name()),
        engine.refusals(one.name()),
        new OwnProbes(key -> false, Runnable::run, System::nanoTime));
  }

  /** The clients with limits of their own. */
  public Set<String> limited() {
    return clientsPool.plan().keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
  }

  public Routes allRoutes() {
    return new Routes(routes, config.routing(), new Random(1));
  }

  public Admission admission() {
    return new Admission(
        clients,
        clientsPool,
        limited(),
        Plans.tally(engine, config.server().auth()),
        config.prices(),
        allRoutes());
  }

  /** Requests in a pool's windows. */
  public static long requests(KeyPool pool) {
    return pool.snapshot().join().groups().stream()
        .mapToLong(group -> group.used().of(Dimension.REQUESTS))
        .sum();
  }

  /** A series' value; {@code none} without it. */
  public static String metric(Meters meters, String series) {
    return meters
        .scrape()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .map(line -> line.substring(series.length() + 1))
        .findFirst()
        .orElse("none");
  }
}
