package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The pacer of a nearly full group, beside output that is still to come. */
final class PacedStreamsTest {
  private static final long NOW = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;
  private static final long EPOCH = 7;
  private static final List<String> FIELDS = List.of("k:key0", "g:account0/model");

  private final RedisKeys names = new RedisKeys("paced", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.names(names.base()).forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
    wire.close();
  }

  private List<Object> call(Step step, long at) {
    return wire.call(step, names, new Clock(at, 0));
  }

  private boolean isGranted(String lease, long output, long spread, long at) {
    List<Wish> wishes = List.of(new Wish(lease, 0, output, spread, ""));
    Step ask = new Step.Acquire(wishes, EPOCH, 3_600_000, FIELDS);
    return Long.valueOf(1).equals(call(ask, at).get(2));
  }

  /** Nine tenths are used, and the debt is a twelfth. A tenth is free at once. */
  private boolean isGrantedBeside(long spread) {
    Limits limits = new Limits(0, 0, 100_000, 0);
    PoolPlan plan = Pools.plan("paced", Duration.ofMinutes(1), 1, limits);
    call(new Step.Configure(0, EPOCH, plan), NOW);
    assertEquals(true, isGranted("first" + spread, 45_000, -1, NOW));
    assertEquals(true, isGranted("second" + spread, 45_000, -1, NOW + 30 * SECOND));
    assertEquals(true, isGranted("coming" + spread, 1, spread, NOW + 52 * SECOND));
    return isGranted("next" + spread, 4_000, spread, NOW + 52 * SECOND);
  }

  @Test
  void the_burst_of_a_full_group_leaves_room_for_what_estimates_vary_by() {
    assertEquals(true, isGrantedBeside(10_000));
  }

  @Test
  void and_no_more_than_that() {
    assertEquals(false, isGrantedBeside(6_000));
  }
}
