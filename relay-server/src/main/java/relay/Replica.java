package relay;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admin.AdminServer;
import relay.admin.Readiness;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.Config;
import relay.config.ConfigOutline;
import relay.config.ListenAddress;
import relay.config.LoggingConfig;
import relay.config.RedisConfig.OnUnavailable;
import relay.config.RedisUrl;
import relay.config.ServerConfig;
import relay.config.TlsConfig;
import relay.edge.DataPlane;
import relay.embedded.EmbeddedRedis;
import relay.logging.Logging;
import relay.memory.MemoryBudget;
import relay.metrics.Meters;
import relay.operate.ConfigWarnings;
import relay.pipeline.KeyProbes;
import relay.pipeline.RequestPipeline;
import relay.pool.Plans;
import relay.redis.RedisEngine;
import relay.redis.model.EngineOptions;
import relay.redis.model.RedisServers;
import relay.reload.ConfigReloads;
import relay.reload.ConfigSource;
import relay.reload.ConfigState;
import relay.reload.ReloadOutcome;
import relay.trace.Tracing;
import relay.upstream.Upstream;

/** One replica, put together: what it consists of, in the order in which it starts and stops. */
final class Replica implements ConfigReloads.Target {
  private static final Logger log = LoggerFactory.getLogger(Replica.class);
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);
  private static final long LOOK_NANOS = 5_000_000;
  private static final int LOOK_AT_FLEET_S = 5;

  private final boolean needsRedis;
  private final @Nullable EmbeddedRedis embedded;
  private final FleetSize fleetSize;
  private final FleetMembers members = new FleetMembers(log::info);
  private final RedisEngine engine;
  private final Upstream upstream;
  private final Carriers carriers;
  private final Meters meters;
  private final @Nullable Tracing tracing;
  private final ScheduledExecutorService configThread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("config").daemon().factory());
  private final LiveConfiguration live;
  private final ConfigReloads reloads;
  private final RequestPipeline pipeline;
  private final KeyProbes keyProbes;
  private final DataPlane dataPlane;
  private final AdminServer adminPlane;
  private volatile boolean draining;
  private volatile boolean drainEnded;

  /**
   * Starts a replica.
   *
   * @param source where its configuration was read
   * @param environment may set the collector of traces
   * @throws IOException when the embedded Redis does not start, or an address cannot be listened on
   */
  Replica(Config config, ConfigSource source, Map<String, String> environment) throws IOException {
    ServerConfig server = config.server();
    Timings timings = Timings.ofProcess();
    needsRedis = config.redis().onUnavailable() == OnUnavailable.CLOSED;
    RedisUrl url = config.redis().url();
    embedded = url == null ? embedded(config.redis().folder()) : null;
    fleetSize = new FleetSize(config.redis().folder(), System::nanoTime);
    carriers =
        new Carriers("carrier", Carriers.fitting(Runtime.getRuntime().availableProcessors()));
    DescriptorReserve descriptors = DescriptorReserve.ofProcess();
    // Create slow components in parallel with the connection to Redis.
    CompletableFuture<Meters> counters = CompletableFuture.supplyAsync(() -> new Meters(config));
    CompletableFuture<Upstream> connections =
        CompletableFuture.supplyAsync(
            () ->
                new Upstream(
                    carriers,
                    server.connectTimeout(),
                    server.idleTimeout(),
                    timings.ping(),
                    descriptors::isShort));
    RedisServers redis =
        embedded != null
            ? RedisServers.of(embedded.url())
            : Plans.servers(config.redis(), Objects.requireNonNull(url));
    engine =
        RedisEngine.start(
            withLease(Plans.options(config.redis(), redis, replicaId()), timings.lease())
                .among(replicas(config)),
            new RedisOnCarrier(carriers.first()));
    meters = counters.join();
    MemoryBudget memory = MemoryBudget.ofProcess();
    MemoryBudget.warning().ifPresent(log::warn);
    ConfigWarnings.of(config, memory).forEach(log::warn);
    meters.bindResources(memory, descriptors::pauses);
    meters.bindLog(Logging::dropped);
    upstream = connections.join();
    tracing = Tracing.of(environment);

    ConfigState state = new ConfigState(ConfigOutline.of(config).hash(), Instant.now(), List.of());
    engine.runs(state.hash(), state.since());
    meters.configuration(state.hash(), 0, certificateEnds(config));
    live =
        new LiveConfiguration(
            config,
            engine,
            upstream,
            meters,
            tracing,
            timings.background(),
            configThread,
            carriers);
    reloads = new ConfigReloads(source, state, this, configThread, InstantSource.system());
    pipeline = live.pipeline();
    keyProbes =
        new KeyProbes(
            live::routes, engine::probation, timings.probe(), InstantSource.system(), carriers);
    dataPlane = new DataPlane(pipeline, carriers, server, timings.patience(), memory, descriptors);
    meters.bindShed(dataPlane::shed);
    adminPlane =
        new AdminServer(
            new AdminServer.Served(
                () -> live.config().server(),
                this::readiness,
                meters::scrape,
                live::pools,
                engine::breaker,
                live::countedApart,
                live::clientsPool,
                live.tally(),
                meters::totals,
                meters::answers,
                engine::introductions,
                reloads::state,
                reloads::reload));
    engine.introduce(adminPlane::introduction);
    listen("server.listen", server.listen(), dataPlane::start);
    listen(
        "server.admin_listen",
        server.adminListen(),
        () -> adminPlane.start(server.adminListen().host(), server.adminListen().port()));
    keyProbes.start();
    reloads.start();
    var _ =
        configThread.scheduleWithFixedDelay(
            this::lookAtFleet, LOOK_AT_FLEET_S, LOOK_AT_FLEET_S, SECONDS);
    log.info(
        "clients: {}://{}  operators and dashboard: http://{}",
        server.tls() == null ? "http" : "https",
        server.listen(),
        server.adminListen());
  }

  private static void listen(String setting, ListenAddress address, Runnable start)
      throws IOException {
    try {
      start.run();
    } catch (UnresolvedAddressException | UncheckedIOException e) {
      Throwable cause = e.getCause();
      String why = cause == null ? "unknown host" : cause.getMessage();
      throw new IOException("cannot listen on " + address + " (" + setting + "): " + why);
    }
  }

  private void lookAtFleet() {
    fleetSize.saw(engine.replicas());
    members.saw(engine.introductions());
  }

  /** How many replicas share the limits, as far as is known before Redis answers. */
  private int replicas(Config config) {
    int stated = config.redis().replicas();
    return embedded != null ? 1 : stated > 0 ? stated : fleetSize.read();
  }

  private static EngineOptions withLease(EngineOptions o, Duration lease) {
    return new EngineOptions(
        o.servers(), o.prefix(), o.replica(), o.timeout(), o.fallback(), lease);
  }

  private static EmbeddedRedis embedded(@Nullable Path folder) throws IOException {
    EmbeddedRedis redis = folder == null ? EmbeddedRedis.start() : EmbeddedRedis.startIn(folder);
    log.warn(
        "redis.url is not set: using an embedded Redis on port {}, for this machine only; {}",
        redis.port(),
        folder == null
            ? "its data is lost when Relay stops, unless redis.folder says where to keep it"
            : "it keeps its data in " + folder);
    return redis;
  }

  private static String replicaId() {
    return Long.toString(ThreadLocalRandom.current().nextLong(1L << 40), 36);
  }

  private Readiness readiness() {
    if (draining) {
      return new Readiness.NotReady("draining");
    }
    String trouble =
        switch (engine.use()) {
          case AWAY -> "Redis is unavailable";
          case REFUSED -> "Redis refuses calls " + engine.troubles();
          case NOT_YET -> "Redis has not accepted a call yet";
          case SLOW, SHARED -> "";
        };
    if (!trouble.isEmpty()) {
      return needsRedis
          ? new Readiness.NotReady(trouble + ", and redis.on_unavailable is closed")
          : new Readiness.Ready(trouble + "; redis.on_unavailable applies");
    }
    return new Readiness.Ready(
        engine.isSlow() ? "Redis is slow: it answers later than redis.timeout_ms" : "");
  }

  /** Reads the configuration again. */
  CompletableFuture<ReloadOutcome> reload() {
    return reloads.reload();
  }

  @Override
  public Config running() {
    return live.config();
  }

  private static @Nullable Instant certificateEnds(Config config) {
    TlsConfig tls = config.server().tls();
    return tls == null ? null : tls.expires();
  }

  @Override
  public void take(Config next, ConfigState state) {
    LoggingConfig logging = next.logging();
    if (!logging.equals(live.config().logging())) {
      LogSettings.apply(logging);
    }
    live.take(next, state);
    dataPlane.reconfigure(next.server());
  }

  @Override
  public void attempted(ReloadOutcome outcome) {
    switch (outcome) {
      case ReloadOutcome.Applied(ConfigState state, _) -> {
        meters.configuration(
            state.hash(), state.needRestart().size(), certificateEnds(live.config()));
        meters.reloaded(true);
      }
      case ReloadOutcome.Refused _ -> {
        meters.configurationRefused();
        meters.reloaded(false);
      }
    }
  }

  /**
   * Lets running requests finish within the drain time, then stops everything. Settles the last
   * leases before closing the connection to Redis.
   */
  void stop() {
    log.info("stopping; requests that still run: {}", pipeline.running());
    draining = true;
    configThread.shutdownNow();
    keyProbes.close();
    dataPlane.drain();
    awaitNone(() -> drainEnded ? 0 : pipeline.running(), live.config().server().drain());
    if (pipeline.running() > 0) {
      log.warn(
          "{}: closing {} running requests",
          drainEnded ? "a second signal ended the drain" : "server.drain_ms expired",
          pipeline.running());
      pipeline.cutOff();
      awaitNone(pipeline::running, LAST_WORDS);
    }
    dataPlane.close(); // ends the remaining requests by closing their clients' connections
    awaitNone(pipeline::running, LAST_WORDS);
    awaitNone(carriers::running, LAST_WORDS);
    if (carriers.running() > 0) {
      log.warn("some requests did not end; stopping anyway");
    }
    engine.close();
    upstream.close();
    carriers.close(); // last: Redis waits and connection closes run on carriers
    adminPlane.close();
    meters.close();
    if (tracing != null) {
      tracing.close();
    }
    if (embedded != null) {
      embedded.close();
    }
    log.info("stopped");
  }

  /** Cuts off what {@link #stop} waits for. From any thread. */
  void endDrain() {
    drainEnded = true;
  }

  /** Waits until nothing runs, for at most the given time. */
  private static void awaitNone(IntSupplier running, Duration most) {
    long until = System.nanoTime() + most.toNanos();
    while (running.getAsInt() > 0 && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }
}
