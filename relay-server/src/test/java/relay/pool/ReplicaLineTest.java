package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ReplicaLineTest {
  private static final ReplicaLine LINE =
      new ReplicaLine("pod 1", "1.2.3", 1_764_086_400_123L, "fair_share", 12.34, 0.5, 0, 3);

  private static JsonNode shown(String line) {
    return ReplicaLine.json(Map.of("r1", line)).get(0);
  }

  @Test
  void a_line_is_short_and_comes_back() {
    assertEquals("pod_1 1.2.3 1764086400123 fair_share 12.3 0.5 0.0 3", LINE.text());
    assertEquals(
        "{'id':'r1','name':'pod_1','version':'1.2.3','started':'2025-11-25T16:00:00Z',"
            + "'mode':'fair_share','requests_per_second':12.3,'refused_per_second':0.5,"
            + "'failed_per_second':0.0,'in_flight':3}",
        shown(LINE.text()).toString().replace('"', '\''));
    String longest = "n".repeat(300);
    String line = new ReplicaLine(longest, longest, 0, "", 1e9, 1e9, 1e9, Long.MAX_VALUE).text();
    assertTrue(line.length() <= 200, () -> line.length() + " characters");
    assertEquals("-", shown(line).path("mode").asText());
  }

  @Test
  void what_another_version_does_not_tell_is_null() {
    String nothing =
        "{'id':'r1','name':null,'version':null,'started':null,'mode':null,"
            + "'requests_per_second':null,'refused_per_second':null,'failed_per_second':null,"
            + "'in_flight':null}";
    assertEquals(nothing, shown("").toString().replace('"', '\''));
    JsonNode half = shown("pod-1 2.0 soon");
    assertEquals("2.0", half.path("version").asText());
    assertTrue(half.path("started").isNull());
    JsonNode more = shown(LINE.text() + " and more");
    assertEquals(3, more.path("in_flight").asInt());
    for (String number : new String[] {"99999999999999999999", "-1", "1e999"}) {
      assertTrue(shown("pod-1 2.0 " + number).path("started").isNull(), number);
    }
  }

  @Test
  void sums_are_of_those_that_tell() {
    Map<String, String> lines = Map.of("r1", LINE.text(), "r2", LINE.text(), "r3", "");
    assertEquals(
        "{'replicas':2,'requests_per_second':24.6,'refused_per_second':1.0,"
            + "'failed_per_second':0.0,'in_flight':6}",
        ReplicaLine.sums(ReplicaLine.json(lines)).toString().replace('"', '\''));
    Map<String, String> many = new TreeMap<>();
    IntStream.range(0, 300).forEach(n -> many.put("r" + n, ""));
    assertEquals(200, ReplicaLine.json(many).size());
  }
}
