package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import relay.config.Config;
import relay.config.ServerConfig.Client;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.model.TokenUsage;

/** Counters per client. Only configured clients have their own label value. */
public final class ClientMeters {
  private static final String OK = LabelValues.status(200);
  private static final String TOO_MANY = LabelValues.status(429);
  private static final String INPUT = "input";
  private static final String OUTPUT = "output";
  private static final String CACHE_READ = "cache_read";
  private static final String CACHE_CREATION = "cache_creation";

  private final TimerSeries waits;
  private final CountedNames names = new CountedNames();
  private final Series requests;
  private final Series denials;
  private final Series tokens;
  private final CostSeries cost;

  /**
   * A request that a provider served.
   *
   * @param model as the client named it
   * @param upstreamModel the provider's name of it, which has the price
   * @param tier that the client named; empty for none
   */
  public record Served(
      String client, String provider, String model, String upstreamModel, String tier) {}

  ClientMeters(MeterRegistry registry, Config config, LabelValues labels) {
    waits =
        new TimerSeries(
            registry,
            "relay.client.wait",
            "Time that a client's requests waited for a key",
            Buckets.WAIT,
            "client");
    requests =
        new Series(
            registry, "relay.client.requests", "Answered requests by client", "client", "status");
    denials =
        new Series(
            registry,
            "relay.client.denials",
            "Requests refused by a client's own limits",
            "client",
            "reason");
    tokens =
        new Series(
            registry,
            "relay.client.tokens",
            "Tokens by client, as reported by providers",
            "client",
            "type");
    cost = new CostSeries(registry, labels);
    reconfigure(config, labels);
  }

  /**
   * Counts these clients from now on, and those of the configuration before, which may have more.
   */
  synchronized void reconfigure(Config config, LabelValues labels) {
    List<Client> clients = config.server().auth().clients();
    names.reconfigure(clients.stream().map(Client::name).toList());
    List.of(requests, tokens, denials)
        .forEach(series -> series.retain(values -> names.contains(values.getFirst())));
    waits.retain(names::contains);
    // One series, so that the metric exists; other clients get theirs with their first request that
    // may wait, because a histogram has many lines.
    var _ = waits.of(clients.isEmpty() ? LabelValues.NONE : clients.getFirst().name());
    requests.prepare(
        clients.stream().flatMap(c -> Stream.of(OK, TOO_MANY).map(s -> List.of(c.name(), s))));
    tokens.prepare(
        clients.stream()
            .flatMap(
                c ->
                    Stream.of(INPUT, OUTPUT, CACHE_READ, CACHE_CREATION)
                        .map(type -> List.of(c.name(), type))));
    denials.prepare(
        clients.stream()
            .filter(Client::isLimited)
            .flatMap(c -> TrafficMeters.reasons().map(reason -> List.of(c.name(), reason))));
    requests.prepareOne(LabelValues.NONE, OK);
    tokens.prepareOne(LabelValues.NONE, INPUT);
    denials.prepareOne(LabelValues.NONE, TrafficMeters.reasons().findFirst().orElseThrow());
    cost.reconfigure(config, clients, names, labels);
  }

  /** Counts an answered request; unknown clients are not counted. */
  public void answered(String client, int status) {
    if (names.contains(client)) {
      requests.of(client, LabelValues.status(status)).increment();
    }
  }

  /** Records how long a request of the client, which may wait, waited for its key. */
  public void waited(String client, long nanos) {
    if (names.contains(client)) {
      waits.of(client).record(nanos, TimeUnit.NANOSECONDS);
    }
  }

  /**
   * Counts a request refused by the client's own limits.
   *
   * @param reason as for pools
   */
  public void denied(String client, String reason) {
    if (names.contains(client)) {
      denials.of(client, reason).increment();
    }
  }

  /** Counts the tokens that a provider reported for a client's request, and what they cost. */
  public void used(Served request, TokenUsage usage) {
    String client = request.client();
    boolean isKnown = names.contains(client);
    cost.add(isKnown ? client : LabelValues.NONE, request, usage);
    if (isKnown) {
      add(client, INPUT, usage.inputTokens());
      add(client, OUTPUT, usage.outputTokens());
      add(client, CACHE_READ, usage.cacheReadTokens());
      add(client, CACHE_CREATION, usage.cacheCreationTokens());
    }
  }

  private void add(String client, String type, long count) {
    if (count > 0) {
      tokens.of(client, type).increment((double) count);
    }
  }

  /** By client; only those that had an answer. */
  Map<String, ClientCounts> counts() {
    Map<String, Map<String, Long>> denied = denials.countedByFirstAndLast();
    Map<String, ClientCounts> all = new HashMap<>();
    requests
        .countedByFirstAndLast()
        .forEach(
            (client, byStatus) ->
                all.put(
                    client,
                    new ClientCounts(
                        sum(byStatus, _ -> true),
                        sum(byStatus, LabelValues::isRefusal),
                        sum(byStatus, LabelValues::isFailure),
                        denied.getOrDefault(client, Map.of()))));
    return all;
  }

  private static long sum(Map<String, Long> byStatus, Predicate<String> wanted) {
    return byStatus.entrySet().stream()
        .filter(each -> wanted.test(each.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}
