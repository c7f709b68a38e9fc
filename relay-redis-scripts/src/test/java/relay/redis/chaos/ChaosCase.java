package relay.redis.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.guards.Await;
import relay.redis.model.Fallback;
import relay.redis.model.RedisServers.Topology;

/** One row of the chaos table: a fault strikes while two replicas share a saturated pool. */
record ChaosCase(ChaosFault fault, Topology topology, Fallback fallback) {
  static final String POOL = "chaos";
  private static final long SETTLED_NANOS = 15_000_000_000L;

  /**
   * What was found.
   *
   * @param failed answers that are neither a key nor a time to wait
   * @param addedMillis added to the 99th percentile of a request's wait for Redis
   * @param refused answers 429 of the provider, over the whole run
   * @param calm share of the limits that the provider served before the fault
   * @param used the same while the fault lasted
   * @param over the most requests of a window beyond a limit
   * @param exactMillis from the fault's end until Redis decides again and misses nothing that the
   *     provider has counted; negative = not within 15 s
   */
  record Outcome(
      long requests,
      long failed,
      double addedMillis,
      long refused,
      double calm,
      double used,
      long over,
      long exactMillis) {}

  /** Every case, in the table's order. */
  static List<ChaosCase> all() {
    List<ChaosCase> all = new ArrayList<>();
    for (Fallback fallback : Fallback.values()) {
      for (ChaosFault fault : ChaosFault.values()) {
        for (Topology topology : Topology.values()) {
          if (fault.fits(topology)) {
            all.add(new ChaosCase(fault, topology, fallback));
          }
        }
      }
    }
    return all;
  }

  /** How its line of the table begins. */
  String title() {
    String where = (topology + " | " + fallback).toLowerCase(Locale.ROOT);
    return "| " + fault.title() + " | " + where + " |";
  }

  /** Its line of the table. */
  String row(Outcome found) {
    return String.format(
        Locale.ROOT,
        "%s %d of %d | %.0f | %d | %.0f | %d | %s |%n",
        title(),
        found.failed(),
        found.requests(),
        Math.max(0, found.addedMillis()),
        found.refused(),
        100 * found.used(),
        Math.max(0, found.over()),
        found.exactMillis() < 0
            ? "no"
            : String.format(Locale.ROOT, "%.1f", found.exactMillis() / 1e3));
  }

  /**
   * Runs it.
   *
   * @param timeout of calls to Redis
   */
  Outcome run(Duration timeout) {
    try (ChaosStage stage = new ChaosStage(topology, fault.isOfNetwork());
        ChaosLoad load = new ChaosLoad(stage, fallback, timeout)) {
      long begun = System.nanoTime();
      long warm = begun + 3 * ChaosLoad.WINDOW.toNanos() / 2;
      Await.moment(warm);
      double calm = load.waitMillis(begun, warm);
      long failedBefore = load.failed();
      long struck = System.nanoTime();
      fault.strike(stage);
      long ended = System.nanoTime();
      double late = load.waitMillis(struck, ended);
      fault.end(stage);
      long exact = awaitExact(load, ended);
      Await.moment(System.nanoTime() + ChaosLoad.WINDOW.toNanos()); // what it left behind
      ChaosProvider provider = load.provider();
      return new Outcome(
          load.requests(),
          load.failed() - failedBefore,
          late - calm,
          provider.refused(),
          served(provider, begun, warm),
          served(provider, struck, ended),
          provider.overshoot(),
          exact < 0 ? -1 : exact / 1_000_000);
    }
  }

  /** As a share of the limits. */
  private static double served(ChaosProvider provider, long from, long to) {
    double limits = (double) ChaosLoad.ACCOUNTS * ChaosLoad.LIMIT;
    return provider.admitted(from, to) * ChaosLoad.WINDOW.toNanos() / (limits * (to - from));
  }

  /** Time from the end; negative if it does not come. */
  private static long awaitExact(ChaosLoad load, long ended) {
    while (true) {
      boolean exact = load.isExact();
      long passed = System.nanoTime() - ended;
      if (exact || passed > SETTLED_NANOS) {
        return exact ? passed : -1;
      }
      Await.moment(System.nanoTime() + 10_000_000);
    }
  }
}
