package relay.redis.walk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import relay.redis.ScriptConnection;
import relay.redis.script.RedisKeys;

/** Compares the scripts' data outside a pool's state with the model, including its expiry. */
final class UncountedCheck {
  private static final long BREAKER_MS = 600_000;
  private static final long PROBES_MS = 7_200_000;
  private static final long ESTIMATES_MS = 7 * 86_400_000L;

  private UncountedCheck() {}

  static void compare(PoolModel model, ScriptConnection wire, RedisKeys names) {
    same("quarantine", model.outages.reasons(), wire, names.quarantine, 0);
    same("breaker", model.breaker.stored(), wire, names.breaker, BREAKER_MS);
    same("probes", model.probation.stored(), wire, names.probes, PROBES_MS);
    same("estimates", model.estimates.stored(), wire, names.estimates, ESTIMATES_MS);
    byte[][] slots = names.used(TallyStep.SLOTS);
    for (int place = 0; place < slots.length; place++) {
      same("slot " + place, model.tally.stored(place), wire, slots[place], 0);
    }
    for (int n = 0; n < UncountedWalk.REPLICAS; n++) {
      String replica = "r" + n;
      same(replica, model.tally.stored(replica), wire, names.running(replica), 0);
    }
  }

  private static void same(
      String what, Map<String, String> expected, ScriptConnection wire, byte[] key, long mostMs) {
    Map<String, String> stored = new HashMap<>();
    wire.redis()
        .hgetall(key)
        .forEach((k, v) -> stored.put(ScriptConnection.text(k), ScriptConnection.text(v)));
    assertEquals(expected, stored, what);
    if (mostMs > 0 && !expected.isEmpty()) {
      long left = wire.redis().pttl(key);
      assertTrue(left > 0 && left <= mostMs, () -> what + " expires in " + left + " ms");
    }
  }
}
