package relay.redis.walk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;

/** Compares the scripts' stored state with the model. */
final class StateCheck {
  private StateCheck() {}

  static void compare(PoolModel model, StoredPool stored) {
    double[] pool = stored.record("pool");
    same(model.last(), pool[StoredPool.LAST - 1], "pool", "clock");
    same(model.turn(), pool[StoredPool.TURN - 1], "pool", "turn");
    same(model.expired(), pool[StoredPool.EXPIRED - 1], "pool", "expired");
    same(model.live(), pool[StoredPool.LIVE - 1], "pool", "live leases");
    for (GroupModel g : model.groups.values()) {
      compare(model, g, stored.record("g:" + g.id));
    }
    for (KeyModel k : model.keys.values()) {
      double[] row = stored.record("k:" + k.id);
      same(model.inFlightOfKey(k.id), row[StoredPool.KEY_FLIGHT - 1], k.id, "in flight");
      same(k.cooldownEnd, row[StoredPool.KEY_COOL - 1], k.id, "cooldown");
      same(k.pass, row[StoredPool.KEY_PASS - 1], k.id, "pass");
      same(k.quarantine == null ? 0 : 1, row[StoredPool.KEY_STOPPED - 1], k.id, "stopped");
    }
  }

  private static void compare(PoolModel model, GroupModel g, double[] row) {
    long recent = (long) row[StoredPool.RECENT - 1];
    for (int d = 0; d < 4; d++) {
      if (d < 3) {
        double used = row[StoredPool.USED + d];
        same(g.used(d, recent), used, g.id, "used", d);
        assertTrue(used >= 0, "negative");
      }
      same(g.limits[d], row[StoredPool.LIMIT + d], g.id, "limit", d);
      same(g.debt[d], row[StoredPool.LEVEL + d], g.id, "debt", d);
    }
    same(g.coming, row[StoredPool.COMING - 1], g.id, "to come");
    same(g.leaves, row[StoredPool.LEAVES - 1], g.id, "leaves");
    same(g.strict, row[StoredPool.STRICT - 1], g.id, "strict");
    same(g.strictAt, row[StoredPool.STRICT_AT - 1], g.id, "strict at");
    same(g.variance, row[StoredPool.VARIANCE - 1], g.id, "variance");
    same(g.cooldownEnd, row[StoredPool.COOL - 1], g.id, "cooldown");
    same(g.shrunk, row[StoredPool.SHRUNK - 1], g.id, "shrunk");
    same(g.shrunkAt, row[StoredPool.SHRUNK_AT - 1], g.id, "shrunk at");
    same(g.refusals, row[StoredPool.STRIKES - 1], g.id, "refusals");
    same(model.inFlightOfGroup(g.id), row[StoredPool.FLIGHT - 1], g.id, "in flight");
  }

  private static void same(long expected, double stored, Object... what) {
    same((double) expected, stored, what);
  }

  private static void same(double expected, double stored, Object... what) {
    if (expected != stored) {
      assertEquals(expected, stored, String.join(" ", texts(what)));
    }
  }

  private static String[] texts(Object... what) {
    String[] texts = new String[what.length];
    for (int n = 0; n < what.length; n++) {
      texts[n] = what[n] instanceof Integer d ? "in dimension " + d : String.valueOf(what[n]);
    }
    return texts;
  }

  /** The running sums against the slots, and the live leases against their records. */
  static void compareRing(
      PoolModel model, StoredPool stored, Map<byte[], byte[]> win, Map<byte[], byte[]> leases) {
    for (String id : model.groups.keySet()) {
      double[] row = stored.record("g:" + id);
      for (int d = 1; d <= 3; d++) {
        double current = row[StoredPool.CURRENT + d - 1];
        double few = stored.few(id, d);
        double ring = StoredPool.closed(win, id, d);
        assertEquals(
            row[StoredPool.USED + d - 1],
            current + few + ring,
            () -> id + ": the sum of its slots");
        assertTrue(few == 0 || ring == 0, () -> id + " has slots in two places");
        assertTrue(current >= 0, () -> id + " negative");
      }
    }
    assertEquals(model.liveNames(), StoredPool.live(leases));
  }
}
