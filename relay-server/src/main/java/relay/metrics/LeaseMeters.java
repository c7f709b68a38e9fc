package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import relay.config.Config;
import relay.config.ServerConfig.Client;

/** The meters of calls about leases, which are no requests to a provider. Thread-safe. */
public final class LeaseMeters {
  private static final List<String> CALLS =
      List.of("acquire", "progress", "settle", "refused", "observed", "cancel");

  private final Series calls;
  private final TimerSeries durations;
  private final Series leases;
  private final CountedNames names = new CountedNames();

  /** What becomes of a lease. One that its holder forgets has no end here. */
  public enum Event {
    GRANTED,
    SETTLED,
    REFUSED,
    CANCELLED;

    private final String label = name().toLowerCase(Locale.ROOT);

    /** In one word. */
    public String label() {
      return label;
    }
  }

  LeaseMeters(MeterRegistry registry, Config config, LabelValues labels) {
    calls =
        new Series(registry, "relay.lease.calls", "Answered calls about leases", "call", "status");
    durations =
        new TimerSeries(
            registry,
            "relay.lease.call.duration",
            "Time of a call about leases, with the wait of an acquire",
            Buckets.FAST,
            "call");
    leases =
        new Series(
            registry,
            "relay.leases",
            "Leases of workers that were granted, and that their holders ended",
            "client",
            "pool",
            "event");
    calls.prepare(
        CALLS.stream()
            .flatMap(call -> Stream.of(200, 429).map(s -> List.of(call, LabelValues.status(s)))));
    CALLS.forEach(durations::of);
    reconfigure(config, labels);
  }

  /** Counts these clients, and those of the configuration before. */
  final synchronized void reconfigure(Config config, LabelValues labels) {
    List<Client> clients =
        config.server().auth().clients().stream()
            .filter(client -> client.bounds().leases())
            .toList();
    names.reconfigure(clients.stream().map(Client::name).toList());
    leases.retain(values -> names.contains(values.get(0)) && labels.isProvider(values.get(1)));
    leases.prepare(
        clients.stream()
            .flatMap(
                client ->
                    config.enabledProviders().stream()
                        .flatMap(
                            pool ->
                                Stream.of(Event.values())
                                    .map(e -> List.of(client.name(), pool.name(), e.label)))));
    leases.prepareOne(LabelValues.NONE, LabelValues.NONE, Event.GRANTED.label);
  }

  /**
   * Counts an answered call.
   *
   * @param call in one word; others than there are count as {@code unknown}
   */
  public void answered(String call, int status, long nanos) {
    calls.of(call, LabelValues.status(status)).increment();
    durations.of(call).record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Counts what became of a client's lease; unknown clients are not counted. */
  public void became(Event event, String client, String pool) {
    if (names.contains(client)) {
      leases.of(client, pool, event.label).increment();
    }
  }
}
