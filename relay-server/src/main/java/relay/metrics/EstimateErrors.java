package relay.metrics;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Histograms of the estimation errors, by the tokens' type and the error's direction. */
final class EstimateErrors {
  private final Map<String, Misses> byType = new HashMap<>();

  /** Over- and underestimates. */
  private record Misses(DistributionSummary over, DistributionSummary under) {}

  EstimateErrors(MeterRegistry registry) {
    for (String type : List.of("input", "output")) {
      byType.put(
          type, new Misses(summary(registry, type, "over"), summary(registry, type, "under")));
    }
  }

  /** Records the error of one request; {@code type} is {@code input} or {@code output}. */
  void record(String type, long reservedTokens, long usedTokens) {
    Misses misses = byType.get(type);
    if (misses != null) {
      DistributionSummary summary = reservedTokens >= usedTokens ? misses.over() : misses.under();
      summary.record(Math.abs((double) reservedTokens - usedTokens) / Math.max(1, usedTokens));
    }
  }

  private static DistributionSummary summary(
      MeterRegistry registry, String type, String direction) {
    return DistributionSummary.builder("relay.estimate.error.ratio")
        .description("Reserved minus used tokens of a request, divided by used tokens: 0 is exact")
        .tags("type", type, "direction", direction)
        .serviceLevelObjectives(Buckets.RATIO)
        .register(registry);
  }
}
