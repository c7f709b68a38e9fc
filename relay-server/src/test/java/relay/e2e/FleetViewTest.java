package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** What each of three replicas shows of all of them, with two providers. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FleetViewTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int REPLICAS = 3;

  private final RawProvider provider =
      new RawProvider((_, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  private final Replicas replicas =
      new Setup()
          .client("team", "rpm_limit: 30")
          .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1"))
          .provider("q", Dialect.ANTHROPIC, provider.url(), Setup.key("q-1"))
          .start(REPLICAS);

  FleetViewTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** The replicas, as one of them shows them. */
  private List<JsonNode> shownBy(int replica) throws IOException {
    JsonNode all = JSON.readTree(replicas.admin(replica, "/pools").text());
    return StreamSupport.stream(all.path("replicas").spliterator(), false).toList();
  }

  private static double sum(List<JsonNode> all, String field) {
    return all.stream().mapToDouble(one -> one.path(field).asDouble()).sum();
  }

  @Test
  void each_shows_all_until_one_is_killed() throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "p").from("team").body(Ask.body("p", "\"max_tokens\":3,"));
    for (int n = 0; n < REPLICAS; n++) {
      int replica = n;
      Await.until(
          "traffic of each, and refusals, are seen at replica " + n,
          () -> {
            for (int to = 0; to < REPLICAS; to++) {
              RawClient.ask(replicas.port(to), ask);
            }
            List<JsonNode> all = shownBy(replica);
            return all.size() == REPLICAS
                && all.stream().allMatch(one -> one.path("requests_per_second").asDouble() > 0)
                && sum(all, "refused_per_second") > 0;
          });
    }
    List<JsonNode> all = shownBy(0);
    assertEquals(REPLICAS, all.stream().map(one -> one.path("id").asText()).distinct().count());
    for (JsonNode one : all) {
      assertEquals("shared", one.path("mode").asText());
      assertTrue(one.path("version").asText().matches("[0-9].*"), one.toString());
      assertTrue(one.path("started").asText().endsWith("Z"), one.toString());
      assertTrue(one.path("name").isTextual());
    }
    replicas.get(2).kill();
    Await.until("the dead has left", () -> shownBy(0).size() == 2 && shownBy(1).size() == 2);
    Await.until("it is an event", () -> replicas.get(0).log().contains(" left; there are 2"));
  }
}
