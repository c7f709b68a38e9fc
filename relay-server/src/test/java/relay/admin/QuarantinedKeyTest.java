package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.admin.RawHttp.Answer;
import relay.pool.Configs;
import relay.pool.QuarantineReason;
import relay.redis.KeyPool;

/** What {@code GET /pools} says of a quarantined key, and how an operator says why. */
@Timeout(60)
final class QuarantinedKeyTest {
  private static final String KEY = "/pools/anthropic/keys/acme-1/";

  private final ObjectMapper json = new ObjectMapper();
  @AutoClose private final ServedPools served = ServedPools.of(Configs.of(Configs.POOLS));
  @AutoClose private final AdminServer server = served.serve();
  private final RawHttp http = new RawHttp(server.port());

  QuarantinedKeyTest() throws Exception {}

  private JsonNode key() throws Exception {
    return json.readTree(http.get("/pools/anthropic").body()).at("/keys/0");
  }

  private void refuse(String reason) {
    KeyPool pool = served.pools().getFirst();
    pool.operator().quarantine("acme-1", reason).join();
    served.engine().probation("anthropic").turn(List.of("acme-1"), Duration.ofMinutes(10)).join();
  }

  @ParameterizedTest
  @CsvSource({"?reason=OPS%204711, ''", "'', '{\"reason\": \"OPS 4711\"}'"})
  void an_operator_says_why(String query, String body) throws Exception {
    Answer answer = http.post(KEY + "quarantine" + query, body);
    assertEquals(200, answer.status(), answer.body());
    assertEquals("operator: OPS 4711", key().path("reason").asText());
    assertFalse(key().has("next_probe_ms"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a%0ab", "a&reason=b", "%1b%5b31m"})
  void what_is_no_reason_is_refused(String reason) throws Exception {
    Answer answer = http.post(KEY + "quarantine?reason=" + reason, "");
    assertEquals(400, answer.status());
    assertTrue(answer.body().contains("at most 200 characters"), answer.body());
    assertEquals("active", key().path("status").asText());
  }

  @Test
  void a_refused_key_tells_its_next_probe() throws Exception {
    Instant before = Instant.now().minusSeconds(2);
    refuse(QuarantineReason.refused(401));
    JsonNode key = key();
    Instant since = Instant.parse(key.path("since").asText());
    assertTrue(
        since.isAfter(before) && since.isBefore(Instant.now().plusSeconds(1)), key::toString);
    assertEquals(0, key.path("probes").asLong());
    long next = key.path("next_probe_ms").asLong();
    assertTrue(next > 0 && next <= 600_000, key::toString);
    http.post(KEY + "restore", "");
    assertFalse(key().has("since"));
  }

  @Test
  void one_that_ends_by_itself_tells_when() throws Exception {
    refuse(QuarantineReason.spent(Instant.parse("2030-01-01T00:00:00Z")));
    assertEquals("2030-01-01T00:00:00Z", key().path("until").asText());
    assertFalse(key().has("next_probe_ms"), "it is not probed");
  }
}
