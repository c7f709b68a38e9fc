package relay.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;
import java.time.Instant;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** The configuration that a replica runs with, its reloads, and how many the fleet has. */
final class ConfigMeters implements MultiCollector {
  private final IntSupplier configurations;
  private final Counter taken;
  private final Counter failed;
  private volatile String hash = "";
  private volatile int needRestart;
  private volatile boolean isRefused;
  private volatile @Nullable Instant certificateEnds;

  ConfigMeters(PrometheusMeterRegistry registry, IntSupplier configurations) {
    this.configurations = configurations;
    taken = reloads(registry, "success");
    failed = reloads(registry, "failure");
    registry.getPrometheusRegistry().register(this);
  }

  private static Counter reloads(PrometheusMeterRegistry registry, String result) {
    return Counter.builder("relay.config.reloads")
        .description("Reloads of the configuration")
        .tag("result", result)
        .register(registry);
  }

  /** A changed configuration was read, and took effect or did not. */
  void reloaded(boolean tookEffect) {
    (tookEffect ? taken : failed).increment();
  }

  /**
   * @param settings how many of the file's settings hold from the next start only
   * @param ends of the data plane's certificate; null without TLS
   */
  void runs(String hashNow, int settings, @Nullable Instant ends) {
    certificateEnds = ends;
    hash = hashNow;
    needRestart = settings;
    isRefused = false;
  }

  /** The files hold another configuration, which has faults. */
  void refused() {
    isRefused = true;
  }

  @Override
  public MetricSnapshots collect() {
    return MetricSnapshots.of(
        InfoSnapshot.builder()
            .name("relay_config")
            .help("1 for the hash of the configuration that this replica runs with")
            .dataPoint(InfoDataPointSnapshot.builder().labels(Labels.of("hash", hash)).build())
            .build(),
        gauge(
            "relay_config_hashes",
            "How many configurations the replicas of the fleet run with; 0 while it is not known",
            configurations.getAsInt()),
        gauge(
            "relay_config_need_restart",
            "Settings in the file that hold from the next start only",
            needRestart),
        gauge(
            "relay_config_refused",
            "1 while the files hold a configuration that was refused, so it is not what runs",
            isRefused ? 1 : 0),
        gauge(
            "relay_certificate_expiry_seconds",
            "Time until the data plane's certificate expires; +Inf without TLS",
            secondsLeft(certificateEnds)));
  }

  private static double secondsLeft(@Nullable Instant ends) {
    return ends == null
        ? Double.POSITIVE_INFINITY
        : Duration.between(Instant.now(), ends).toSeconds();
  }

  private static GaugeSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }
}
