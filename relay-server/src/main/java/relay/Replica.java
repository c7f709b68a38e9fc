package relay;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.auth.Clients;
import relay.config.Config;
import relay.config.ProviderConfig;
import relay.config.RedisUrl;
import relay.config.ServerConfig;
import relay.edge.DataPlane;
import relay.embedded.EmbeddedRedis;
import relay.estimate.Estimator;
import relay.metrics.Meters;
import relay.pipeline.RequestPipeline;
import relay.pipeline.Route;
import relay.pool.Plans;
import relay.redis.EngineOptions;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.upstream.ProviderApi;
import relay.upstream.Upstream;

/** One replica, put together: what it consists of, in the order in which it starts and stops. */
final class Replica implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replica.class);

  private final ServerConfig server;
  private final @Nullable EmbeddedRedis embedded;
  private final RedisEngine engine;
  private final Upstream upstream;
  private final ExecutorService virtualThreads;
  private final Meters meters;
  private final RequestPipeline pipeline;
  private final DataPlane dataPlane;

  /**
   * Starts a replica.
   *
   * @throws IOException when the embedded Redis does not start
   */
  Replica(Config config) throws IOException {
    server = config.server();
    RedisUrl url = config.redis().url();
    embedded = url == null ? EmbeddedRedis.start() : null;
    if (embedded != null) {
      log.warn(
          "no redis.url is set: using an embedded Redis on port {}, which serves this machine only"
              + " and forgets all when Relay stops",
          embedded.port());
    }
    String redis = embedded != null ? embedded.url() : Plans.url(Objects.requireNonNull(url));
    EngineOptions options = Plans.options(config.redis(), redis, replicaId());
    engine = RedisEngine.start(options);
    upstream = new Upstream(server.connectTimeout(), server.idleTimeout());
    virtualThreads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("request-", 0).factory());
    meters = new Meters(config);

    List<Route> routes = new ArrayList<>();
    for (ProviderConfig provider : config.enabledProviders()) {
      KeyPool pool = engine.pool(Plans.of(provider));
      routes.add(new Route(new ProviderApi(upstream, provider), pool));
    }
    meters.bind(engine, routes.stream().map(Route::pool).toList());
    pipeline =
        new RequestPipeline(
            new Clients(server.auth()),
            routes,
            new Estimator(),
            meters,
            new RequestPipeline.Limits(server.maxBodyBytes(), server.maxConcurrent()),
            virtualThreads);
    dataPlane =
        new DataPlane(
            pipeline,
            server.listen().host(),
            server.listen().port(),
            server.enableHttp2(),
            server.idleTimeout());
    dataPlane.start();
    log.info("listening on {}", server.listen());
  }

  private static String replicaId() {
    return Long.toString(ThreadLocalRandom.current().nextLong(1L << 40), 36);
  }

  /** Lets running requests end, at most for the drain time, then stops everything. */
  @Override
  public void close() {
    dataPlane.drain();
    awaitIdle(server.drain());
    dataPlane.close();
    engine.close();
    upstream.close();
    virtualThreads.close();
    meters.close();
    if (embedded != null) {
      embedded.close();
    }
  }

  private void awaitIdle(Duration most) {
    long until = System.nanoTime() + most.toNanos();
    while (pipeline.running() > 0 && System.nanoTime() - until < 0) {
      java.util.concurrent.locks.LockSupport.parkNanos(10_000_000);
    }
  }
}
