package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import relay.config.ProviderConfig;
import relay.model.TokenUsage;
import relay.redis.Acquisition;

/** The counters with labels. */
final class Traffic {
  private static final String UPSTREAM = "upstream";
  private static final String RELAY = "relay";
  private static final String OK = LabelValues.status(200);

  private record Request(String provider, String model, String status, String origin) {}

  private record Key(String pool, String key) {}

  private record Denial(String pool, String reason) {}

  private record Response(String pool, String key, String status) {}

  private record LimitRefusal(String pool, String kind) {}

  private record BrokenOff(String pool, String how) {}

  private record Tokens(String pool, String key, String model, String type) {}

  private final LabelValues labels;
  private final Series<Request> requests;
  private final Series<Key> grants;
  private final Series<Denial> denials;
  private final Series<Response> responses;
  private final Series<Tokens> tokens;
  private final Series<Key> quarantines;
  private final Series<LimitRefusal> limitRefusals;
  private final Series<BrokenOff> brokenOff;

  Traffic(MeterRegistry registry, LabelValues labels, List<ProviderConfig> providers) {
    this.labels = labels;
    requests =
        new Series<>(
            registry,
            "relay.requests",
            "Requests that were answered",
            r ->
                Tags.of(
                    "provider", r.provider(),
                    "model", r.model(),
                    "status", r.status(),
                    "origin", r.origin()));
    grants =
        new Series<>(
            registry,
            "relay.grants",
            "Requests that were given a key",
            g -> Tags.of("pool", g.pool(), "key", g.key()));
    denials =
        new Series<>(
            registry,
            "relay.denials",
            "Questions for a key that were refused",
            d -> Tags.of("pool", d.pool(), "reason", d.reason()));
    responses =
        new Series<>(
            registry,
            "relay.upstream.responses",
            "Answers of providers to attempts; status none if there was no answer",
            r -> Tags.of("pool", r.pool(), "key", r.key(), "status", r.status()));
    tokens =
        new Series<>(
            registry,
            "relay.tokens",
            "Tokens as providers reported them",
            t -> Tags.of("pool", t.pool(), "key", t.key(), "model", t.model(), "type", t.type()));
    quarantines =
        new Series<>(
            registry,
            "relay.key.quarantines",
            "Keys that a provider refused for good: an alert",
            q -> Tags.of("pool", q.pool(), "key", q.key()));
    limitRefusals =
        new Series<>(
            registry,
            "relay.upstream.limit.refusals",
            "429s of providers by their kind",
            l -> Tags.of("pool", l.pool(), "kind", l.kind()));
    brokenOff =
        new Series<>(
            registry,
            "relay.upstream.broken.answers",
            "Answers that a provider began and did not end well",
            b -> Tags.of("pool", b.pool(), "how", b.how()));
    prepare(providers);
  }

  private void prepare(List<ProviderConfig> providers) {
    requests.prepare(
        providers.stream()
            .flatMap(p -> models(p).map(model -> new Request(p.name(), model, OK, UPSTREAM))));
    grants.prepare(keys(providers));
    quarantines.prepare(keys(providers));
    limitRefusals.prepare(
        providers.stream()
            .flatMap(
                p ->
                    Stream.of("rate", "acceleration", "spend", "quota")
                        .map(kind -> new LimitRefusal(p.name(), kind))));
    brokenOff.prepare(
        providers.stream()
            .flatMap(
                p ->
                    Stream.of("loss", "silence", "error_event")
                        .map(how -> new BrokenOff(p.name(), how))));
    denials.prepare(
        providers.stream().flatMap(p -> reasons().map(reason -> new Denial(p.name(), reason))));
    responses.prepare(keys(providers).map(key -> new Response(key.pool(), key.key(), OK)));
    tokens.prepare(
        providers.stream()
            .flatMap(
                p ->
                    p.keys().stream()
                        .flatMap(key -> models(p).flatMap(m -> tokens(p.name(), key.id(), m)))));
  }

  private static Stream<Key> keys(List<ProviderConfig> providers) {
    return providers.stream()
        .flatMap(p -> p.keys().stream().map(key -> new Key(p.name(), key.id())));
  }

  private static Stream<String> models(ProviderConfig provider) {
    return Stream.concat(
        LabelValues.modelsOf(provider).stream().sorted(), Stream.of(LabelValues.OTHER));
  }

  /** Why a pool may refuse, in the words of the label. */
  static Stream<String> reasons() {
    return Stream.concat(
        Stream.of(Acquisition.Reason.values()).map(r -> r.name().toLowerCase(Locale.ROOT)),
        Stream.of("impossible", "quarantined", "unavailable"));
  }

  private static Stream<Tokens> tokens(String pool, String key, String model) {
    return Stream.of("input", "output", "cache_read", "cache_creation")
        .map(type -> new Tokens(pool, key, model, type));
  }

  void request(String provider, String model, int status, String origin) {
    requests
        .of(
            new Request(
                labels.provider(provider),
                labels.model(model),
                LabelValues.status(status),
                origin.equals(RELAY) ? RELAY : UPSTREAM))
        .increment();
  }

  void grant(String pool, String key) {
    grants.of(new Key(pool, key)).increment();
  }

  void denial(String pool, String reason) {
    denials.of(new Denial(pool, reason)).increment();
  }

  void upstreamResponse(String pool, String key, int status) {
    responses.of(new Response(pool, key, LabelValues.status(status))).increment();
  }

  void limitRefusal(String pool, String kind) {
    limitRefusals.of(new LimitRefusal(pool, kind)).increment();
  }

  void brokenOff(String pool, String how) {
    brokenOff.of(new BrokenOff(pool, how)).increment();
  }

  void quarantine(String pool, String key) {
    quarantines.of(new Key(pool, key)).increment();
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
      tokens.of(new Tokens(pool, key, model, type)).increment((double) count);
    }
  }
}
