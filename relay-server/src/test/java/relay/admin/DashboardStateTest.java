package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

/** A viewer gets what is newer than its last message. */
class DashboardStateTest {
  private final DashboardState state = new DashboardState();

  private static ObjectNode pools(String... keys) throws Exception {
    return (ObjectNode)
        new ObjectMapper()
            .readTree(
                """
                {"fleet": [], "pools": [{"name": "p", "breaker": {"state": "closed"}, "groups": [], "keys": [%s]}]}
                """
                    .formatted(String.join(",", keys)));
  }

  private static String key(String id, int inFlight, long cooldownMs) {
    return "{\"id\": \"%s\", \"in_flight\": %d, \"cooldown_ms\": %d}"
        .formatted(id, inFlight, cooldownMs);
  }

  private JsonNode pool(long seen) {
    return state.since(seen).at("/pools/0");
  }

  @Test
  void only_changed_keys_are_sent() throws Exception {
    state.update(pools(key("a", 0, 0), key("b", 0, 0)), 1_000);
    assertEquals(2, pool(0).path("keys").size());
    assertEquals("[\"a\",\"b\"]", pool(0).path("keys_order").toString());
    long seen = state.version();
    state.update(pools(key("a", 0, 0), key("b", 3, 0)), 2_000);
    assertEquals(1, pool(seen).path("keys").size());
    assertEquals("b", pool(seen).at("/keys/0/id").asText());
    assertFalse(pool(seen).has("keys_order"));
    assertEquals(2, pool(0).path("keys").size());
  }

  @Test
  void a_key_that_went_leaves_the_order() throws Exception {
    state.update(pools(key("a", 0, 0), key("b", 0, 0)), 1_000);
    long seen = state.version();
    state.update(pools(key("b", 0, 0), key("c", 0, 0)), 2_000);
    assertEquals("[\"b\",\"c\"]", pool(seen).path("keys_order").toString());
    assertEquals("c", pool(seen).at("/keys/0/id").asText());
  }

  @Test
  void a_cooldown_that_runs_down_is_no_change() throws Exception {
    state.update(pools(key("a", 0, 30_000)), 1_000);
    assertEquals(31_000, pool(0).at("/keys/0/cooldown_until").asLong());
    long seen = state.version();
    state.update(pools(key("a", 0, 28_200)), 3_000);
    assertFalse(pool(seen).has("keys"));
    state.update(pools(key("a", 0, 60_000)), 4_000);
    assertEquals(64_000, pool(seen).at("/keys/0/cooldown_until").asLong());
    state.update(pools(key("a", 0, 0)), 5_000);
    assertEquals(0, pool(state.version() - 1).at("/keys/0/cooldown_until").asLong(-1));
  }

  @Test
  void clients_are_sent_when_they_change() throws Exception {
    ObjectNode clients =
        (ObjectNode) new ObjectMapper().readTree("{\"clients\": [{\"name\": \"team\"}]}");
    state.updateClients(clients, 1_000);
    assertEquals("team", state.since(0).at("/clients/0/name").asText());
    long seen = state.version();
    state.updateClients(clients, 2_000);
    assertFalse(state.since(seen).has("clients"));
  }
}
