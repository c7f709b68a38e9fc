package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Providers that count requests or tokens a day, behind three replicas. */
@Tag("slow")
class DayLimitsTest {
  private static final int A_DAY = 12;
  private static final int MAX_TOKENS = 20;
  private static final int TOKENS_A_DAY = 10 * (Says.INPUT + MAX_TOKENS);

  /** The Pacific zone, unless its midnight is near: then the test would see two days. */
  private static ZoneId zone() {
    ZoneId pacific = ZoneId.of("America/Los_Angeles");
    return untilMidnight(pacific).toMinutes() > 10 ? pacific : ZoneId.of("Asia/Tokyo");
  }

  private static Duration untilMidnight(ZoneId zone) {
    ZonedDateTime now = ZonedDateTime.now(zone);
    return Duration.between(now, now.toLocalDate().plusDays(1).atStartOfDay(zone));
  }

  /**
   * "Rate limits are usually measured across three dimensions: Requests per minute (RPM), Tokens
   * per minute (input) (TPM), Requests per day (RPD)"; "Rate limits are applied per project, not
   * per API key. Requests per day (RPD) quotas reset at midnight Pacific time": "Rate limits",
   * ai.google.dev/gemini-api/docs/rate-limits, read November 27, 2026.
   */
  @Test
  void projects_share_out_their_days_and_the_provider_never_refuses() throws Exception {
    ZoneId zone = zone();
    Map<String, Integer> counts = new ConcurrentHashMap<>(); // by project
    Map<String, String> projects = Map.of("one", "p1", "two", "p1", "three", "p2");
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  String key = request.header("authorization");
                  assertNotNull(key);
                  String project = projects.get(key.substring("Bearer secret-".length()));
                  int count = counts.merge(project, 1, Integer::sum);
                  connection.write(
                      count <= A_DAY
                          ? Says.fine(Dialect.OPENAI)
                          : Says.json(429, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}"));
                });
        Replicas replicas =
            new Setup()
                .provider(
                    """
                    - name: g
                      type: openai
                      api: gemini
                      base_url: %s
                      models: [gemini-3-pro]
                      pooling: { affinity: none, day: { starts: "00:00", zone: %s } }
                      keys:
                        - { key: secret-one, id: k1, account: p1, rpm_limit: 1000, rpd_limit: %d }
                        - { key: secret-two, id: k2, account: p1 }
                        - { key: secret-three, id: k3, account: p2, rpm_limit: 1000, rpd_limit: %d }
                    """
                        .formatted(provider.url(), zone, A_DAY, A_DAY))
                .start(3)) {
      Ask ask = Ask.of(Dialect.OPENAI, "gemini-3-pro");
      for (int n = 0; n < 2 * A_DAY; n++) {
        assertEquals(200, RawClient.ask(replicas.port(n % 3), ask).status(), "request " + n);
      }
      for (int n = 0; n < 3; n++) {
        Answer refused = RawClient.ask(replicas.port(n), ask);
        assertEquals(429, refused.status());
        assertTrue(refused.text().contains("requests_a_day"), refused.text());
        String retry = Answer.header(refused.headers(), "retry-after");
        assertNotNull(retry);
        long early = untilMidnight(zone).toSeconds() - Long.parseLong(retry);
        assertTrue(Math.abs(early) < 60, retry + " s, but midnight is " + early + " s later");
      }
      assertEquals(Map.of("p1", A_DAY, "p2", A_DAY), counts);

      replicas.awaitLine("g", "p1/gemini-3-pro", ".* rpd 12/12 .*");
      JsonNode group = replicas.admin(1, "/pools/g").json().at("/groups/0");
      assertEquals(A_DAY, group.at("/limits/rpd").asInt(), group.toString());
      assertEquals(A_DAY, group.at("/used/rpd").asInt(), group.toString());
      String used = "relay_key_used_ratio{dimension=\"rpd\",group=\"p1/gemini-3-pro\",pool=\"g\"}";
      // The gauge is of this replica's last heartbeat.
      Await.until("the gauge", () -> replicas.metric(1, used) == 1);
      assertEquals(
          1, replicas.metric(2, "relay_denials_total{pool=\"g\",reason=\"requests_a_day\"}"));
    }
  }

  /**
   * "Rate limits are measured in five ways: RPM (requests per minute), RPD (requests per day), TPM
   * (tokens per minute), TPD (tokens per day), and IPM (images per minute)": "Rate limits",
   * developers.openai.com/api/docs/guides/rate-limits, read November 27, 2026. With a request its
   * {@code max_tokens} count.
   */
  @Test
  void tokens_of_any_day_are_shared_out_and_the_provider_never_refuses() throws Exception {
    AtomicInteger counted = new AtomicInteger();
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        counted.addAndGet(Says.INPUT + MAX_TOKENS) <= TOKENS_A_DAY
                            ? Says.fine(Dialect.OPENAI)
                            : Says.json(429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}")));
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.OPENAI,
                    provider.url(),
                    List.of(),
                    List.of(Setup.key("k", "tpd_limit: " + TOKENS_A_DAY)))
                .start(3)) {
      Ask ask =
          Ask.of(Dialect.OPENAI, "p").body(Ask.body("p", "\"max_tokens\":" + MAX_TOKENS + ","));
      Answer answer = RawClient.ask(replicas.port(0), ask);
      int granted = 0;
      while (answer.status() == 200) {
        granted++;
        assertTrue(granted <= 10, "over the limit");
        answer = RawClient.ask(replicas.port(granted % 3), ask);
      }
      assertEquals(429, answer.status());
      assertTrue(answer.text().contains("tokens_a_day"), answer.text());
      assertEquals("relay", answer.header("x-relay-error-origin"));
      assertTrue(granted >= 9, granted + " granted"); // the estimate of the tenth may not fit
      assertTrue(counted.get() <= TOKENS_A_DAY, "the provider refused");
      replicas.awaitLine("p", "k/default", ".* tpd " + counted.get() + "/" + TOKENS_A_DAY);
    }
  }
}
