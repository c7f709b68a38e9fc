package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FleetMembersTest {
  private final List<String> told = new ArrayList<>();
  private final FleetMembers members = new FleetMembers(told::add);

  @Test
  void who_joins_and_leaves_is_told_once() {
    members.saw(Map.of()); // no heartbeat yet
    members.saw(Map.of("r1", "pod-1 1.0", "r2", ""));
    members.saw(Map.of("r1", "pod-1 1.0", "r2", ""));
    assertEquals(List.of(), told);
    members.saw(Map.of("r1", "pod-1 1.0", "r2", "", "r3", ""));
    members.saw(Map.of("r1", "pod-1 1.0", "r2", "", "r3", "pod-3 1.0"));
    members.saw(Map.of("r1", "pod-1 1.0", "r3", "pod-3 1.0"));
    assertEquals(
        List.of("replica pod-3 joined; there are 3", "replica r2 left; there are 2"), told);
  }

  @Test
  void one_of_a_version_that_tells_no_name_has_its_id() {
    members.saw(Map.of("r1", "pod-1 1.0"));
    for (int n = 0; n < 3; n++) {
      members.saw(Map.of("r1", "pod-1 1.0", "r2", ""));
    }
    assertEquals(List.of("replica r2 joined; there are 2"), told);
  }
}
