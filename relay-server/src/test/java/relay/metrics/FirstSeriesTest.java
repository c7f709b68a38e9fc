package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.Documents;
import relay.config.Config;
import relay.pool.Configs;

/** What is on the page of metrics before anything was counted. */
class FirstSeriesTest {
  private static final Config CONFIG =
      Configs.of(
          "server: { auth: { clients: [{ name: team, key: client-secret-2, rpm_limit: 4,"
              + " budget: [{ tokens: 5, per: day }] }] } }\n"
              + Configs.POOLS);

  /** An alert on a missing metric would otherwise fire, or one on its growth miss the first. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void every_documented_metric_has_a_series_from_the_start(boolean clients) {
    String page = Documents.read(Documents.ROOT.resolve("docs/operating.md"));
    List<String> documented =
        Pattern.compile("(?m)^\\| `(relay_[a-z_]+)` \\|")
            .matcher(page)
            .results()
            .map(row -> row.group(1))
            .toList();
    assertTrue(documented.size() > 40, documented::toString);
    try (Meters fresh = new Meters(clients ? CONFIG : Configs.of(Configs.POOLS))) {
      fresh.configuration("3cf9a86a5d77", 0, null); // as a replica does at its start
      String all = fresh.scrape();
      assertEquals(
          List.of(),
          documented.stream()
              .filter(
                  name -> !Pattern.compile("(?m)^" + name + "(_count)?[{ ]").matcher(all).find())
              .toList());
    }
  }

  /** 13 lines each, of 500 clients, all 0, were a third of the page. */
  @Test
  void a_client_that_never_waited_has_no_buckets() {
    String clients =
        IntStream.range(0, 150)
            .mapToObj(n -> "{ name: c%d, key: client-secret-%d }".formatted(n, n))
            .collect(Collectors.joining(", ", "server: { auth: { clients: [", "] } }\n"));
    try (Meters many = new Meters(Configs.of(clients + Configs.POOLS))) {
      many.clients().waited("c7", TimeUnit.MILLISECONDS.toNanos(20));
      assertEquals(
          List.of("c0", "c7"),
          many.scrape()
              .lines()
              .filter(line -> line.startsWith("relay_client_wait_seconds_count{"))
              .map(line -> line.replaceAll(".*client=\"([^\"]*)\".*", "$1"))
              .sorted()
              .toList());
    }
  }
}
