package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import relay.config.Config;
import relay.config.PriceConfig;
import relay.config.ProviderConfig;
import relay.config.ServerConfig.Client;
import relay.metrics.ClientMeters.Served;
import relay.model.TokenUsage;
import relay.redis.model.Budget;

/** What requests cost in dollars, by the prices of the configuration. */
final class CostSeries {
  /** {@code rate()} misses the first value of a new series; of more clients they would be many. */
  private static final int FEW_CLIENTS = 50;

  private static final String USUAL_TIER = "default";

  /** Others count as {@code other}: clients must not create series. */
  private static final Set<String> TIERS =
      Set.of(
          USUAL_TIER,
          "auto",
          "batch",
          "fast",
          "flex",
          "priority",
          "scale",
          "standard",
          "standard_only",
          "ultrafast");

  private final Series dollars;
  private volatile List<PriceConfig> prices = List.of();
  private volatile LabelValues labels;

  CostSeries(MeterRegistry registry, LabelValues labels) {
    this.labels = labels;
    dollars =
        new Series(
            registry,
            "relay.cost.usd",
            "What served requests cost, by `prices`, in US dollars",
            "client",
            "provider",
            "model",
            "tier");
  }

  /**
   * @param clients those of the configuration
   * @param known its clients, and those of the one before
   */
  void reconfigure(Config config, List<Client> clients, CountedNames known, LabelValues values) {
    prices = config.prices();
    labels = values;
    dollars.retain(
        v ->
            (v.get(0).equals(LabelValues.NONE) || known.contains(v.get(0)))
                && values.isProvider(v.get(1))
                && values.isModel(v.get(2)));
    if (!prices.isEmpty() && clients.size() <= FEW_CLIENTS) {
      dollars.prepare(
          clients.stream().flatMap(client -> likely(client.name(), config.enabledProviders())));
    }
    dollars.prepareOne(LabelValues.NONE, LabelValues.NONE, LabelValues.OTHER, USUAL_TIER);
  }

  private Stream<List<String>> likely(String client, List<ProviderConfig> providers) {
    return providers.stream()
        .flatMap(
            provider ->
                LabelValues.modelsOf(provider).stream()
                    .sorted()
                    .filter(model -> PriceConfig.of(prices, provider.upstreamModel(model)) != null)
                    .map(model -> List.of(client, provider.name(), model, USUAL_TIER)));
  }

  /**
   * @param client as a label
   */
  void add(String client, Served request, TokenUsage usage) {
    PriceConfig price = PriceConfig.of(prices, request.upstreamModel());
    if (price != null) {
      String tier = request.tier().isEmpty() ? USUAL_TIER : request.tier();
      dollars
          .of(
              client,
              labels.provider(request.provider()),
              labels.model(request.model()),
              TIERS.contains(tier) ? tier : LabelValues.OTHER)
          .increment((double) price.nanodollars(usage) / Budget.DOLLAR);
    }
  }
}
