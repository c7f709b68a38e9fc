package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import relay.metrics.ClientMeters.Served;
import relay.model.TokenUsage;
import relay.pool.Configs;

final class CostSeriesTest {
  private static final String PRICES = "prices: [{ model: claude-*, input: 1, output: 5 }]\n";

  private static final String CLIENT =
      "server: { auth: { clients: [{ name: team, key: client-secret-1 }] } }\n";

  private static final String SERIES =
      "relay_cost_usd_total{client=\"%s\",model=\"%s\",provider=\"%s\",tier=\"%s\"} %s";

  private static Served served(String client, String tier) {
    return new Served(client, "anthropic", "claude-opus-4-5", "claude-opus-4-5", tier);
  }

  private static List<String> series(Meters meters) {
    return meters
        .scrape()
        .lines()
        .filter(l -> l.startsWith("relay_cost_usd_total"))
        .sorted()
        .toList();
  }

  @Test
  void dollars_are_counted_by_client_provider_model_and_tier() {
    TokenUsage usage = new TokenUsage(1_000_000, 0, 0, 100_000);
    try (Meters priced = new Meters(Configs.of(CLIENT + PRICES + Configs.POOLS))) {
      priced.clients().used(served("team", ""), usage);
      priced.clients().used(served("team", "flex"), usage);
      priced.clients().used(served("team", "made-up"), usage);
      priced.clients().used(served("stranger", ""), usage);
      priced.clients().used(new Served("team", "openai", "gpt", "gpt", ""), usage); // no price
      assertEquals(
          List.of(
              SERIES.formatted("none", "other", "anthropic", "default", "1.5"),
              SERIES.formatted("team", "other", "anthropic", "default", "1.5"),
              SERIES.formatted("team", "other", "anthropic", "flex", "1.5"),
              SERIES.formatted("team", "other", "anthropic", "other", "1.5")),
          series(priced).stream().filter(line -> !line.endsWith(" 0.0")).toList());
    }
  }

  @Test
  void likely_series_exist_from_the_start() {
    try (Meters priced = new Meters(Configs.of(CLIENT + PRICES + Configs.POOLS))) {
      String opus = SERIES.formatted("team", "claude-opus-4-6", "anthropic", "default", "0.0");
      assertEquals(1, series(priced).stream().filter(opus::equals).count());
    }
    try (Meters free = new Meters(Configs.of(Configs.POOLS))) {
      assertEquals(
          List.of(SERIES.formatted("none", "other", "none", "default", "0.0")),
          series(free),
          "an alert needs a series");
    }
  }
}
