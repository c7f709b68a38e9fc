package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import relay.metrics.ReplicaTotals;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.metrics.ReplicaTotals.Histogram;

class TrafficHistoryTest {
  private final TrafficHistory history = new TrafficHistory();

  /**
   * The totals after this many requests of the client, all refused by its own limit and by the
   * pool.
   */
  private static ReplicaTotals after(long requests) {
    Histogram none = new Histogram(List.of(), List.of(), 0);
    Map<String, Long> denials = requests == 0 ? Map.of() : Map.of("requests", requests);
    return new ReplicaTotals(
        true,
        "shared",
        requests,
        0,
        requests,
        0,
        0,
        0,
        0,
        0,
        0,
        none,
        none,
        Map.of("pool", denials),
        Map.of("team", new ClientCounts(requests, requests, 0, denials)));
  }

  private ObjectNode team(long requests) {
    ObjectNode client = JsonNodeFactory.instance.objectNode().put("name", "team");
    history.addTo(client, after(requests));
    return client;
  }

  @Test
  void refusals_are_those_of_the_last_minute() {
    for (int n = 0; n < 20; n++) {
      history.add(after(n), JsonNodeFactory.instance.objectNode(), n * 10_000L);
    }
    assertEquals("{\"requests\":6}", history.refused("pool", after(19)).toString());
    assertEquals(
        "{\"name\":\"team\",\"requests\":7,\"refused\":7,\"failed\":0,\"denied\":{\"requests\":7}}",
        team(20).toString());
    assertEquals(Set.of("team"), history.unserved(after(20)));
  }

  @Test
  void counts_before_the_first_reading_are_not_of_the_last_minute() {
    assertEquals(Set.of(), history.unserved(after(5)));
    history.add(after(5), JsonNodeFactory.instance.objectNode(), 0);
    assertEquals(0, team(5).path("requests").asLong());
    assertEquals(Set.of(), history.unserved(after(5)));
    assertEquals(0, team(3).path("requests").asLong(), "counters were forgotten");
  }

  @Test
  void readings_are_of_five_minutes() {
    for (int n = 0; n < 100; n++) {
      history.add(after(n), JsonNodeFactory.instance.objectNode(), n * 10_000L);
    }
    assertEquals(31, history.json().size());
    assertEquals(690_000, history.json().at("/0/now").asLong());
    assertEquals(69, history.json().at("/0/replica/requests").asLong());
    assertTrue(history.json().at("/0/replica/clients").isMissingNode());
  }
}
