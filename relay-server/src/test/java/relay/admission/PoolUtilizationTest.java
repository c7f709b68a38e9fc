package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.Usage;

class PoolUtilizationTest {

  private static GroupState group(String modelClass, Limits limits, Usage used, int coolSeconds) {
    Duration cool = Duration.ofSeconds(coolSeconds);
    return new GroupState(
        "a/" + modelClass, "a", modelClass, limits, used, 0, cool, cool, Limits.UNKNOWN, 1, 0);
  }

  private static double load(GroupState... groups) {
    return PoolUtilization.of(
        new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(groups), List.of()), "default");
  }

  @Test
  void the_fullest_dimension_over_all_groups_of_the_class_counts() {
    Limits limits = new Limits(10, 1000, 100, 0);
    assertEquals(0.5, load(group("default", limits, new Usage(5, 100, 10), 0)), 1e-9);
    assertEquals(
        0.45,
        load(
            group("default", limits, new Usage(1, 0, 90), 0),
            group("default", limits, new Usage(1, 0, 0), 0),
            group("opus", limits, new Usage(10, 1000, 100), 0)),
        1e-9);
  }

  @Test
  void a_group_that_cools_down_is_full() {
    Limits limits = new Limits(10, 0, 0, 0);
    assertEquals(
        0.5,
        load(
            group("default", limits, new Usage(0, 0, 0), 30),
            group("default", limits, new Usage(0, 0, 0), 0)),
        1e-9);
  }

  @Test
  void unknown_limits_count_as_no_load() {
    assertEquals(0, PoolUtilization.of(null, "default"));
    assertEquals(0, load(group("default", Limits.UNKNOWN, new Usage(99, 99, 99), 0)));
    assertEquals(0, load());
  }
}
