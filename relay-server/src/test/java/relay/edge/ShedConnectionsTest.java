package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.edge.ShedConnections.Which;

class ShedConnectionsTest {
  private final List<String> lines = new ArrayList<>();
  private long now = Long.MAX_VALUE - 1; // System.nanoTime() may overflow

  @Test
  void a_burst_is_one_line_a_minute_with_what_came_since() {
    ShedConnections shed = new ShedConnections(lines::add, () -> now);
    for (int n = 0; n < 1_000; n++) {
      shed.count(Which.STRANGER);
    }
    shed.count(Which.NEWCOMER);
    assertEquals(1, lines.size());
    now += ShedConnections.PAUSE_NANOS;
    shed.count(Which.HEAD);
    assertEquals(
        List.of(
            "no memory for more connections; closed since the last such line: 1 without a"
                + " credential, the oldest first; 0 new ones; 0 with an unfinished head",
            "no memory for more connections; closed since the last such line: 999 without a"
                + " credential, the oldest first; 1 new ones; 1 with an unfinished head"),
        lines);
    assertEquals(1_000, shed.count("stranger"));
    assertEquals(1, shed.count("newcomer"));
  }
}
