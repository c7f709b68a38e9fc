package relay.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.function.IntSupplier;

/** Which configuration a replica runs with, and how many there are in its fleet. */
final class ConfigCollector implements MultiCollector {
  private final IntSupplier configurations;
  private volatile String hash = "";
  private volatile int needRestart;
  private volatile boolean isRefused;

  ConfigCollector(IntSupplier configurations) {
    this.configurations = configurations;
  }

  /**
   * @param settings how many of the file's settings hold from the next start only
   */
  void runs(String hashNow, int settings) {
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
            isRefused ? 1 : 0));
  }

  private static GaugeSnapshot gauge(String name, String help, int value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }
}
