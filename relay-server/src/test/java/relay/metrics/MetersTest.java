package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.embedded.EmbeddedRedis;
import relay.metrics.ClientMeters.Served;
import relay.model.TokenUsage;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;

/** What the meters count. */
@Tag("slow")
@Timeout(60)
class MetersTest {
  private static final String KEY = "pool=\"anthropic\",key=\"acme-1\"";

  @AutoClose private final Meters meters = new Meters(MeteredClients.CONFIG);

  @Test
  void requests_count_by_provider_model_status_and_origin() {
    meters.requestDone("anthropic", "claude-opus-4-6", 200, "", millis(120), millis(1));
    meters.requestDone("anthropic", "claude-fast", 200, "upstream", millis(120), millis(1));
    meters.requestDone("", "claude-opus-4-6", 429, "relay", millis(1), millis(1));
    assertEquals(
        1,
        value(
            "relay_requests_total{model=\"claude-opus-4-6\",origin=\"upstream\",provider=\"anthropic\",status=\"200\"}"));
    assertEquals(
        1,
        value(
            "relay_requests_total{model=\"claude-fast\",origin=\"upstream\",provider=\"anthropic\",status=\"200\"}"));
    assertEquals(
        1,
        value(
            "relay_requests_total{model=\"claude-opus-4-6\",origin=\"relay\",provider=\"none\",status=\"429\"}"));
    assertEquals(2, value("relay_request_duration_seconds_count{provider=\"anthropic\"}"));
    assertEquals(0.24, value("relay_request_duration_seconds_sum{provider=\"anthropic\"}"), 1e-9);
    assertEquals(
        0, value("relay_request_duration_seconds_bucket{provider=\"anthropic\",le=\"0.1\"}"));
    assertEquals(
        2, value("relay_request_duration_seconds_bucket{provider=\"anthropic\",le=\"0.25\"}"));
    assertEquals(3, value("relay_overhead_seconds_count"));
  }

  @Test
  void a_request_refused_by_its_head_counts_without_duration() {
    meters.refusedAtOnce(404);
    assertEquals(
        1,
        value(
            "relay_requests_total{model=\"other\",origin=\"relay\",provider=\"none\",status=\"404\"}"));
    assertEquals(0, value("relay_overhead_seconds_count"));
  }

  @Test
  void client_input_creates_no_series() {
    for (int n = 0; n < 1_000; n++) {
      meters.requestDone("p" + n, "model-" + n, n, "origin-" + n, 1, 1);
      meters.firstByte("p" + n, 1);
      meters.tokens("anthropic", "acme-1", "model-" + n, new TokenUsage(1, 0, 0, 0));
    }
    assertEquals(
        1_000,
        value(
            "relay_tokens_total{key=\"acme-1\",model=\"other\",pool=\"anthropic\",type=\"input\"}"));
    assertTrue(series("relay_requests_total").size() < 60, "statuses alone make series");
    assertTrue(series("relay_time_to_first_byte_seconds_count").size() <= 3);
    assertFalse(meters.scrape().contains("model-"));
  }

  @Test
  void unusual_statuses_count_by_their_class() {
    meters.upstreamResponse("anthropic", "acme-1", 529);
    meters.upstreamResponse("anthropic", "acme-1", 418);
    meters.upstreamResponse("anthropic", "acme-1", 0);
    for (String status : List.of("529", "4xx", "none")) {
      assertEquals(
          1,
          value(
              "relay_upstream_responses_total{key=\"acme-1\",pool=\"anthropic\",status=\""
                  + status
                  + "\"}"));
    }
  }

  @Test
  void every_call_counts() {
    meters.granted("anthropic", "acme-1");
    meters.denied("anthropic", "requests");
    meters.quarantined("anthropic", "acme-1");
    meters.attempt();
    meters.acquired(millis(1));
    meters.firstByte("anthropic", millis(30));
    meters.estimateError("input", 120, 100);
    meters.estimateError("output", 0, 0);
    meters.estimateError("output", 10, 40);
    meters.tokens("anthropic", "acme-1", "claude-opus-4-6", new TokenUsage(10, 20, 30, 40));
    meters.requestStarted();
    meters.requestStarted();
    meters.requestEnded();
    meters.reserve(500);
    meters.release(200);
    assertEquals(1, value("relay_grants_total{key=\"acme-1\",pool=\"anthropic\"}"));
    assertEquals(1, value("relay_denials_total{pool=\"anthropic\",reason=\"requests\"}"));
    assertEquals(1, value("relay_key_quarantines_total{key=\"acme-1\",pool=\"anthropic\"}"));
    assertEquals(1, value("relay_attempts_total"));
    assertEquals(1, value("relay_acquire_duration_seconds_count"));
    assertEquals(1, value("relay_time_to_first_byte_seconds_count{provider=\"anthropic\"}"));
    String error = "relay_estimate_error_ratio_";
    assertEquals(0.2, value(error + "sum{direction=\"over\",type=\"input\"}"), 1e-9);
    assertEquals(1, value(error + "count{direction=\"over\",type=\"output\"}"));
    assertEquals(0, value(error + "sum{direction=\"over\",type=\"output\"}"));
    assertEquals(0.75, value(error + "sum{direction=\"under\",type=\"output\"}"), 1e-9);
    assertEquals(0, value(error + "count{direction=\"under\",type=\"input\"}"));
    assertEquals(1, value("relay_inflight"));
    assertEquals(300, value("relay_reserved_tokens"));
    List<Double> tokens = new ArrayList<>();
    for (String type : List.of("input", "cache_creation", "cache_read", "output")) {
      tokens.add(
          value(
              "relay_tokens_total{key=\"acme-1\",model=\"claude-opus-4-6\",pool=\"anthropic\",type=\""
                  + type
                  + "\"}"));
    }
    assertEquals(List.of(10.0, 20.0, 30.0, 40.0), tokens);
    assertEquals(0.5, value("relay_cache_read_ratio{pool=\"anthropic\"}"), 1e-6);
  }

  @Test
  void gauges_read_the_engine() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RedisEngine engine =
            RedisEngine.start(Configs.replica(MeteredClients.CONFIG, redis.url(), "r"))) {
      KeyPool pool = engine.pool(Plans.of(MeteredClients.CONFIG.providers().getFirst()));
      meters.bind(engine, List.of(pool));
      assertTrue(
          pool.acquire(Demand.of("opus", 10, 10)).get(5, TimeUnit.SECONDS)
              instanceof Acquisition.Granted);
      pool.operator().quarantine("solo", "operator").get(5, TimeUnit.SECONDS);
      // Any key may be selected: acme's class opus allows 5 requests, solo has no request limit.
      untilLatest(
          () ->
              value(
                      "relay_key_status{"
                          + KEY.replace("acme-1", "solo")
                          + ",status=\"quarantined\"}")
                  == 1);
      assertEquals(1, value("relay_redis_up"));
      assertEquals(1, value("relay_redis_mode{mode=\"shared\"}"));
      assertEquals(0, value("relay_redis_mode{mode=\"fair_share\"}"));
      assertEquals(1, value("relay_key_status{" + KEY + ",status=\"active\"}"));
      assertEquals(
          0.2,
          value("relay_key_used_ratio{pool=\"anthropic\",group=\"acme/opus\",dimension=\"rpm\"}"));
    }
  }

  private static long millis(int millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  /** Waits for the engine's next read, twice per second; a scrape takes a few milliseconds. */
  private static void untilLatest(BooleanSupplier holds) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!holds.getAsBoolean() && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertTrue(holds.getAsBoolean());
  }

  @Test
  void only_configured_clients_have_their_own_series() {
    meters.clients().answered("team", 200);
    meters.clients().answered("team", 200);
    meters.clients().used(served("team"), new TokenUsage(1, 2, 3, 4));
    meters.clients().denied("team", "requests");
    meters.clients().waited("team", TimeUnit.SECONDS.toNanos(90));
    for (String unknown : List.of("", "anonymous", "somebody")) {
      meters.clients().answered(unknown, 401);
      meters.clients().used(served(unknown), new TokenUsage(1, 1, 1, 1));
      meters.clients().denied(unknown, "requests");
      meters.clients().waited(unknown, 1);
    }
    List<String> counted =
        meters
            .scrape()
            .lines()
            .filter(line -> line.startsWith("relay_client_"))
            .filter(line -> !line.endsWith(" 0.0") && !line.endsWith(" 0"))
            .toList();
    assertEquals(
        List.of(
            "relay_client_denials_total{client=\"team\",reason=\"requests\"} 1.0",
            "relay_client_requests_total{client=\"team\",status=\"200\"} 2.0",
            "relay_client_tokens_total{client=\"team\",type=\"cache_creation\"} 2.0",
            "relay_client_tokens_total{client=\"team\",type=\"cache_read\"} 3.0",
            "relay_client_tokens_total{client=\"team\",type=\"input\"} 1.0",
            "relay_client_tokens_total{client=\"team\",type=\"output\"} 4.0",
            "relay_client_wait_seconds_bucket{client=\"team\",le=\"+Inf\"} 1",
            "relay_client_wait_seconds_bucket{client=\"team\",le=\"120.0\"} 1",
            "relay_client_wait_seconds_count{client=\"team\"} 1",
            "relay_client_wait_seconds_max{client=\"team\"} 90.0",
            "relay_client_wait_seconds_sum{client=\"team\"} 90.0"),
        counted.stream().sorted().toList());
  }

  private static Served served(String client) {
    return new Served(client, "anthropic", "claude-opus-4-5", "claude-opus-4-5", "");
  }

  private List<String> series(String name) {
    return MeteredClients.series(meters, name);
  }

  private double value(String series) {
    List<String> found =
        meters
            .scrape()
            .lines()
            .filter(line -> sorted(line).startsWith(sorted(series) + " "))
            .toList();
    assertEquals(1, found.size(), series + " in\n" + meters.scrape());
    return Double.parseDouble(found.getFirst().substring(found.getFirst().lastIndexOf(' ') + 1));
  }

  /** Sorts the labels: their order is undefined. */
  private static String sorted(String line) {
    int open = line.indexOf('{');
    int close = line.lastIndexOf('}');
    if (open < 0) {
      return line;
    }
    return line.substring(0, open + 1)
        + new TreeSet<>(List.of(line.substring(open + 1, close).split(",")))
            .stream().collect(Collectors.joining(","))
        + line.substring(close);
  }
}
