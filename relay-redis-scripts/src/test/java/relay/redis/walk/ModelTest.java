package relay.redis.walk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;

/**
 * Random interleavings of all scripts on a real Redis. Each reply must be the model's, and every
 * few steps the whole state must be, too. A failing walk is reported with its seed and shrunk to a
 * short trace.
 *
 * <p>{@code -Drelay.seeds=N -Drelay.steps=M} runs more walks, {@code -Drelay.seed=S} replays one,
 * {@code -Drelay.shrink=SECONDS} bounds the shrinking of one (0: none).
 */
public final class ModelTest {
  private static final int SEEDS = Integer.getInteger("relay.seeds", 100);
  private static final int STEPS = Integer.getInteger("relay.steps", 1_000);
  private static final int A_MINUTE = 60; // the longest
  private static final int SHRINK_SECONDS = Integer.getInteger("relay.shrink", A_MINUTE);

  @Test
  void every_interleaving_gives_the_replies_and_the_state_of_the_model() throws Exception {
    AtomicLong next = new AtomicLong(Long.getLong("relay.seed", 1));
    long last = Long.getLong("relay.seed", SEEDS);
    AtomicLong hours = new AtomicLong();
    AtOnce.run(() -> walk(next, last, hours));
    long walks = last - Long.getLong("relay.seed", 1) + 1;
    System.out.printf("%d walks, %d hours of virtual time%n", walks, hours.get());
    assertTrue(walks * STEPS < 100_000 || hours.get() >= 24, "hours: " + hours);
  }

  private static void walk(AtomicLong next, long last, AtomicLong hours) {
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      for (long seed = next.getAndIncrement(); seed <= last; seed = next.getAndIncrement()) {
        Wandering walk = new Wandering(wire, seed);
        AssertionError failure = walk.wander(STEPS);
        hours.addAndGet(walk.covered().toHours());
        if (failure != null) {
          next.set(last + 1); // one is enough
          fail("-Drelay.seed=" + seed + walk.shrunk(SHRINK_SECONDS), failure);
        }
      }
    }
  }

  @Test
  void a_fault_in_the_scripts_is_shrunk_to_the_few_calls_that_show_it() {
    String text = "local x = (u1 + asked) / l1";
    try (ScriptConnection wire =
        ScriptConnection.faulty(RedisUnderTest.url(), text, "local x = u1 / l1")) {
      Wandering walk = null;
      for (long seed = 1; walk == null; seed++) {
        Wandering one = new Wandering(wire, seed);
        walk = one.wander(200) == null ? null : one;
        assertTrue(seed < 100, "no walk met the fault");
      }
      String told = walk.shrunk(A_MINUTE); // SHRINK_SECONDS is 0 where faults are tried
      assertTrue(walk.trace().isConsistent());
      long calls = walk.trace().moves().size();
      assertTrue(calls <= 8, "a configuration and a few calls: " + told);
      assertEquals(calls, told.lines().filter(line -> line.startsWith("  at ")).count(), told);
    }
  }
}
