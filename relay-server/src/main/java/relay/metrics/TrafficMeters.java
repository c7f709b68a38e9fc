package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import relay.config.ProviderConfig;
import relay.model.TokenUsage;
import relay.redis.model.Acquisition;

/** The labelled counters. */
final class TrafficMeters {
  private static final String UPSTREAM = "upstream";
  private static final String RELAY = "relay";
  private static final String OK = LabelValues.status(200);
  private static final String TOO_MANY = LabelValues.status(429);

  /** Why an attempt got no answer. */
  private static final List<String> CAUSES =
      List.of(
          "name",
          "refused",
          "route",
          "timeout",
          "tls",
          "certificate",
          "expired",
          "identity",
          "proxy",
          "streams",
          "token",
          "local",
          "protocol",
          "connection",
          "silence");

  private volatile LabelValues labels;
  private final Series requests;
  private final Series grants;
  private final Series denials;
  private final Series responses;
  private final Series tokens;
  private final Series quarantines;
  private final Series limitRefusals;
  private final Series brokenOff;
  private final Series unanswered;
  private final Series cutByStop;

  TrafficMeters(MeterRegistry registry, LabelValues labels, List<ProviderConfig> providers) {
    this.labels = labels;
    requests =
        new Series(
            registry,
            "relay.requests",
            "Answered requests",
            "provider",
            "model",
            "status",
            "origin");
    grants = new Series(registry, "relay.grants", "Requests that got a key", "pool", "key");
    denials = new Series(registry, "relay.denials", "Denied requests for a key", "pool", "reason");
    responses =
        new Series(
            registry,
            "relay.upstream.responses",
            "Providers' answers to attempts; status none if there was no answer",
            "pool",
            "key",
            "status");
    tokens =
        new Series(
            registry,
            "relay.tokens",
            "Tokens, as reported by providers",
            "pool",
            "key",
            "model",
            "type");
    quarantines =
        new Series(
            registry,
            "relay.key.quarantines",
            "Keys that a provider rejected permanently; alert on any increase",
            "pool",
            "key");
    limitRefusals =
        new Series(
            registry, "relay.upstream.limit.refusals", "Providers' 429s by kind", "pool", "kind");
    brokenOff =
        new Series(
            registry,
            "relay.upstream.broken.answers",
            "Answers that a provider broke off after the first byte",
            "pool",
            "how");
    unanswered =
        new Series(
            registry,
            "relay.upstream.unanswered",
            "Attempts without an answer, by cause",
            "pool",
            "cause");
    cutByStop =
        new Series(
            registry,
            "relay.drain.cut.answers",
            "Answers that had begun, and that the end of the drain cut",
            "pool");
    prepare(providers);
  }

  /** As at the start, under another configuration. Series of what neither names are forgotten. */
  void reconfigure(LabelValues known, List<ProviderConfig> providers) {
    labels = known;
    requests.retain(v -> known.isProvider(v.get(0)) && known.isModel(v.get(1)));
    List.of(denials, limitRefusals, brokenOff, unanswered, cutByStop)
        .forEach(series -> series.retain(v -> known.isProvider(v.getFirst())));
    List.of(grants, quarantines, responses)
        .forEach(series -> series.retain(v -> known.isKey(v.get(0), v.get(1))));
    tokens.retain(v -> known.isKey(v.get(0), v.get(1)) && known.isModel(v.get(2)));
    prepare(providers);
  }

  private void prepare(List<ProviderConfig> providers) {
    requests.prepare(
        providers.stream()
            .flatMap(p -> models(p).map(model -> List.of(p.name(), model, OK, UPSTREAM))));
    grants.prepare(keys(providers));
    quarantines.prepare(keys(providers));
    limitRefusals.prepare(
        providers.stream()
            .flatMap(
                p ->
                    Stream.of("rate", "acceleration", "spend", "quota", "other_quota")
                        .map(kind -> List.of(p.name(), kind))));
    unanswered.prepare(
        providers.stream().flatMap(p -> CAUSES.stream().map(cause -> List.of(p.name(), cause))));
    cutByStop.prepare(providers.stream().map(p -> List.of(p.name())));
    brokenOff.prepare(
        providers.stream()
            .flatMap(
                p ->
                    Stream.of("loss", "silence", "error_event")
                        .map(how -> List.of(p.name(), how))));
    denials.prepare(
        providers.stream().flatMap(p -> reasons().map(reason -> List.of(p.name(), reason))));
    responses.prepare(keys(providers).map(key -> List.of(key.get(0), key.get(1), OK)));
    tokens.prepare(
        providers.stream()
            .flatMap(
                p ->
                    p.keys().stream()
                        .flatMap(key -> models(p).flatMap(m -> tokens(p.name(), key.id(), m)))));
  }

  private static Stream<List<String>> keys(List<ProviderConfig> providers) {
    return providers.stream()
        .flatMap(p -> p.keys().stream().map(key -> List.of(p.name(), key.id())));
  }

  private static Stream<String> models(ProviderConfig provider) {
    return Stream.concat(
        LabelValues.modelsOf(provider).stream().sorted(), Stream.of(LabelValues.OTHER));
  }

  /** The label values for denial reasons. */
  static Stream<String> reasons() {
    return Stream.concat(
        Stream.of(Acquisition.Reason.values()).map(r -> r.name().toLowerCase(Locale.ROOT)),
        Stream.of("impossible", "quarantined", "unavailable"));
  }

  private static Stream<List<String>> tokens(String pool, String key, String model) {
    return Stream.of("input", "output", "cache_read", "cache_creation")
        .map(type -> List.of(pool, key, model, type));
  }

  void request(String provider, String model, int status, String origin) {
    requests
        .of(
            labels.provider(provider),
            labels.model(model),
            LabelValues.status(status),
            origin.equals(RELAY) ? RELAY : UPSTREAM)
        .increment();
  }

  void grant(String pool, String key) {
    grants.of(pool, key).increment();
  }

  void denial(String pool, String reason) {
    denials.of(pool, reason).increment();
  }

  void upstreamResponse(String pool, String key, int status) {
    responses.of(pool, key, LabelValues.status(status)).increment();
  }

  void limitRefusal(String pool, String kind) {
    limitRefusals.of(pool, kind).increment();
  }

  void brokenOff(String pool, String how) {
    brokenOff.of(pool, how).increment();
  }

  void cutByStop(String pool) {
    cutByStop.of(pool).increment();
  }

  void unanswered(String pool, String cause) {
    unanswered.of(pool, cause).increment();
  }

  void quarantine(String pool, String key) {
    quarantines.of(pool, key).increment();
  }

  void tokens(String pool, String key, String model, TokenUsage usage) {
    String bounded = labels.model(model);
    tokens(pool, key, bounded, "input", usage.inputTokens());
    tokens(pool, key, bounded, "output", usage.outputTokens());
    tokens(pool, key, bounded, "cache_read", usage.cacheReadTokens());
    tokens(pool, key, bounded, "cache_creation", usage.cacheCreationTokens());
  }

  private void tokens(String pool, String key, String model, String type, long count) {
    if (count > 0) {
      tokens.of(pool, key, model, type).increment((double) count);
    }
  }

  /** Requests, and how they ended, over all labels. */
  Sums answers() {
    Sums sums = new Sums();
    requests.forEach(
        (values, count) -> {
          sums.requests += count;
          sums.failures += LabelValues.isFailure(values.get(2)) ? count : 0;
          boolean refused = LabelValues.isRefusal(values.get(2)) && values.get(3).equals(RELAY);
          sums.refusedByRelay += refused ? count : 0;
        });
    return sums;
  }

  /** Sums over all labels, for the dashboard. */
  Sums sums() {
    Sums sums = answers();
    responses.forEach(
        (values, count) -> sums.refusedByProviders += values.get(2).equals(TOO_MANY) ? count : 0);
    tokens.forEach(
        (values, count) -> {
          switch (values.get(3)) {
            case "input" -> sums.inputTokens += count;
            case "output" -> sums.outputTokens += count;
            default -> {}
          }
        });
    return sums;
  }

  /** Refusals by pool and reason; only what there was. */
  Map<String, Map<String, Long>> denialsByPool() {
    return denials.countedByFirstAndLast();
  }

  /** Counts since the start. */
  static final class Sums {
    long requests;
    long failures;
    long refusedByRelay;
    long refusedByProviders;
    long inputTokens;
    long outputTokens;
  }
}
