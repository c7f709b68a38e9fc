package relay.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import relay.config.Config;
import relay.config.ProviderConfig;
import relay.memory.MemoryBudget;
import relay.model.TokenUsage;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.PoolPlan;

/** A replica's metrics, all from its start on. Thread-safe; a call costs a lookup, an addition. */
public final class Meters implements AutoCloseable {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private volatile LabelValues labels;
  private List<ProviderConfig> present; // of the configuration in use
  private final TrafficMeters traffic;
  private final EngineGauges engine;
  private final ResourceGauges resources = new ResourceGauges();
  private final ClientMeters clients;
  private final LeaseMeters leases;
  private final ClientUsage clientUsage;
  private final TimerSeries requestDuration =
      new TimerSeries(
          registry,
          "relay.request.duration",
          "Time from a request's arrival to the end of its answer",
          Buckets.REQUEST,
          "provider");
  private final TimerSeries firstByte =
      new TimerSeries(
          registry,
          "relay.time.to.first.byte",
          "Time from a request's arrival to the first byte from the provider",
          Buckets.FIRST_BYTE,
          "provider");
  private final ServedTimes served = new ServedTimes();
  private final PoolMeters byPool;
  private final Timer overhead;
  private final Timer acquire;
  private final Counter attempts;
  private final ConfigMeters configuration;
  private final ShadowLog shadow = new ShadowLog(registry, System::nanoTime);
  private final EstimateErrors estimateErrors;
  private final UnderWay underWay;

  /** Creates the meters. Enabled providers determine the label values. */
  public Meters(Config config) {
    List<ProviderConfig> providers = config.enabledProviders();
    present = providers;
    labels = new LabelValues(providers);
    traffic = new TrafficMeters(registry, labels, providers);
    engine =
        new EngineGauges(
            providers.stream().map(Plans::of).toList(), config.redis().onUnavailable());
    clients = new ClientMeters(registry, config, labels);
    leases = new LeaseMeters(registry, config, labels);
    clientUsage =
        new ClientUsage(
            config.server().auth(),
            Plans.ofClients(config.server().auth()).orElse(null),
            engine::clients);
    overhead = timer("relay.overhead", "Time that Relay itself adds to a request", Buckets.FAST);
    acquire = timer("relay.acquire.duration", "Time to acquire a key", Buckets.FAST);
    attempts =
        Counter.builder("relay.attempts")
            .description("Requests sent to providers, including retries")
            .register(registry);
    estimateErrors = new EstimateErrors(registry);
    byPool = new PoolMeters(registry);
    prepare(providers);
    var _ = requestDuration.of(LabelValues.NONE);
    underWay = new UnderWay(registry);
    engine.register(registry);
    resources.register(registry);
    configuration = new ConfigMeters(registry, engine::configurations);
    registry.getPrometheusRegistry().register(new PoolCollector(engine::views));
    registry.getPrometheusRegistry().register(clientUsage);
    JvmMeters.register(registry);
  }

  /** Binds the gauges of keys, groups and Redis to these sources. */
  public void bind(RedisEngine redis, Collection<KeyPool> pools) {
    engine.bind(redis, pools);
  }

  /** Binds the meters of memory, and of pauses in accepting connections, to these sources. */
  public void bindResources(MemoryBudget memory, LongSupplier acceptPauses) {
    resources.bind(memory, acceptPauses);
  }

  /**
   * Binds the counter of connections that were closed for want of memory.
   *
   * @param byWhich gives the number of {@code stranger}, {@code newcomer} or {@code head}
   */
  public void bindShed(ToLongFunction<String> byWhich) {
    resources.bindShed(byWhich);
  }

  /** The gauges of clients' own limits read this pool from now on; null if no client has any. */
  public void bindClients(@Nullable PoolPlan plan, @Nullable KeyPool pool) {
    clientUsage.bind(plan, pool);
  }

  /** Binds the counter of dropped log lines to this source. */
  public void bindLog(LongSupplier dropped) {
    resources.bindLog(dropped);
  }

  /** A changed configuration was read, and took effect or did not. */
  public void reloaded(boolean taken) {
    configuration.reloaded(taken);
  }

  /** Shows the configuration, how many settings need a restart, and the certificate's end. */
  public void configuration(String hash, int needRestart, @Nullable Instant certificateEnds) {
    configuration.runs(hash, needRestart, certificateEnds);
  }

  /** The files hold a configuration that was refused, until {@link #configuration} is called. */
  public void configurationRefused() {
    configuration.refused();
  }

  /** Takes label values from another config; those of the one before stay until the next. */
  public synchronized void reconfigure(Config config) {
    List<ProviderConfig> providers = config.enabledProviders();
    List<ProviderConfig> both = new ArrayList<>(present);
    both.addAll(providers);
    present = providers;
    LabelValues known = new LabelValues(both);
    labels = known;
    traffic.reconfigure(known, providers);
    clients.reconfigure(config, known);
    leases.reconfigure(config, known);
    clientUsage.reconfigure(config.server().auth());
    byPool.retain(known::isProvider);
    requestDuration.retain(known::isProvider);
    firstByte.retain(known::isProvider);
    prepare(providers);
  }

  private void prepare(List<ProviderConfig> providers) {
    for (ProviderConfig provider : providers) {
      var _ = requestDuration.of(provider.name());
      var _ = firstByte.of(provider.name());
      byPool.prepare(provider.name());
    }
  }

  /**
   * A request passed that would have been refused if its limits were enforced.
   *
   * @param scope {@code pool} or {@code client}: whose limits
   * @param name of the pool or the client
   * @param reason as for {@link #denied}
   */
  public void wouldDeny(String scope, String name, String reason) {
    shadow.passed(scope, name, reason);
  }

  /** The counters per client. */
  public ClientMeters clients() {
    return clients;
  }

  /** The meters of calls about leases. */
  public LeaseMeters leases() {
    return leases;
  }

  /**
   * Records an answered request.
   *
   * @param provider the provider that answered; empty if none did
   * @param model the client's model name; unconfigured models count as {@code other}
   * @param origin {@code relay} for Relay's own errors, otherwise {@code upstream} or empty
   * @param overheadNanos the part of the duration spent in Relay
   */
  public void requestDone(
      String provider,
      String model,
      int status,
      String origin,
      long durationNanos,
      long overheadNanos) {
    traffic.request(provider, model, status, origin);
    requestDuration.of(labels.provider(provider)).record(durationNanos, TimeUnit.NANOSECONDS);
    overhead.record(overheadNanos, TimeUnit.NANOSECONDS);
  }

  /** Records until when, from a request's arrival, its answer began and ended. */
  public void served(long firstByteNanos, long endNanos) {
    served.record(firstByteNanos, endNanos);
  }

  /** Counts a request refused because of its head: without duration and model. */
  public void refusedAtOnce(int status) {
    traffic.request("", "", status, "relay");
  }

  /** Records the time from the request's arrival to the first byte of a provider's answer. */
  public void firstByte(String provider, long nanos) {
    firstByte.of(labels.provider(provider)).record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Records the time to acquire a key, granted or not. */
  public void acquired(long nanos) {
    acquire.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Counts a granted key. */
  public void granted(String pool, String key) {
    traffic.grant(pool, key);
  }

  /**
   * Counts a denial.
   *
   * @param reason an {@code Acquisition.Reason} in lower case, {@code impossible}, {@code
   *     quarantined} or {@code unavailable}
   */
  public void denied(String pool, String reason) {
    traffic.denial(pool, reason);
  }

  /** Counts a provider's answer to an attempt; status 0 = no answer. */
  public void upstreamResponse(String pool, String key, int status) {
    traffic.upstreamResponse(pool, key, status);
  }

  /** Counts a request sent to a provider. */
  public void attempt() {
    attempts.increment();
  }

  /** Counts the tokens that a provider reported. */
  public void tokens(String pool, String key, String model, TokenUsage usage) {
    traffic.tokens(pool, key, model, usage);
    byPool.tokens(pool, usage);
  }

  /** Shows the lists of a pool's accounts that are one organisation, and are counted apart. */
  public void countedApart(String pool, List<List<String>> lists) {
    byPool.countedApart(pool, lists);
  }

  /**
   * Records the estimation error of one request.
   *
   * @param type {@code input} or {@code output}
   */
  public void estimateError(String type, long reservedTokens, long usedTokens) {
    estimateErrors.record(type, reservedTokens, usedTokens);
  }

  /** Counts an arrived request as in progress. */
  public void requestStarted() {
    underWay.requests.increment();
  }

  /** Ends a request in progress. */
  public void requestEnded() {
    underWay.requests.decrement();
  }

  /** Adds reserved tokens. */
  public void reserve(long tokens) {
    underWay.tokens.add(tokens);
  }

  /** Subtracts reserved tokens. */
  public void release(long tokens) {
    underWay.tokens.add(-tokens);
  }

  /** Counts a key that a provider rejected permanently. An operator must act. */
  public void quarantined(String pool, String key) {
    traffic.quarantine(pool, key);
  }

  /**
   * Counts a provider's 429.
   *
   * @param kind {@code rate}, {@code acceleration}, {@code spend} or {@code quota}
   */
  public void limitRefusal(String pool, String kind) {
    traffic.limitRefusal(pool, kind);
  }

  /**
   * Counts an attempt without an answer.
   *
   * @param cause {@code name}, {@code refused}, {@code route}, {@code timeout}, {@code tls}, {@code
   *     certificate}, {@code token}, {@code local}, {@code protocol}, {@code connection} or {@code
   *     silence}
   */
  public void unanswered(String pool, String cause) {
    traffic.unanswered(pool, cause);
  }

  /**
   * Counts an answer that broke off after its first byte.
   *
   * @param how {@code loss}, {@code silence} or {@code error_event}
   */
  public void brokenOff(String pool, String how) {
    traffic.brokenOff(pool, how);
  }

  /** Counts an answer that had begun, and that the end of the drain cut. */
  public void cutByStop(String pool) {
    traffic.cutByStop(pool);
  }

  /** What other replicas hear of this one. */
  public ReplicaTotals.Answers answers() {
    TrafficMeters.Sums sums = traffic.answers();
    return new ReplicaTotals.Answers(
        engine.mode(), sums.requests, sums.failures, sums.refusedByRelay, underWay.requests.sum());
  }

  /** What the dashboard shows of this replica. */
  public ReplicaTotals totals() {
    TrafficMeters.Sums sums = traffic.sums();
    return new ReplicaTotals(
        engine.isUp(),
        engine.mode(),
        sums.requests,
        sums.failures,
        sums.refusedByRelay,
        sums.refusedByProviders,
        sums.inputTokens,
        sums.outputTokens,
        underWay.requests.sum(),
        engine.waiting(),
        underWay.tokens.sum(),
        served.ends(),
        served.firstBytes(),
        traffic.denialsByPool(),
        clients.counts());
  }

  /** All metrics in Prometheus's text format 0.0.4. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }

  private Timer timer(String name, String description, Duration[] buckets) {
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }
}
