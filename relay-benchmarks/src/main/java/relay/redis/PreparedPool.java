package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import relay.redis.lease.LeaseCalls;
import relay.redis.lease.PendingUpdate;
import relay.redis.lease.Used;
import relay.redis.link.Masters;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.PoolPlan;
import relay.redis.script.Introductions;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/** A pool in the state in which it is measured. */
final class PreparedPool {
  private PreparedPool() {}

  /**
   * Writes the pool's plan to Redis and puts the keys into their state. Returns the pool's epoch.
   */
  static long prepare(String url, PoolPlan plan, Workload workload, Duration patience) {
    EngineOptions options =
        new EngineOptions(
            url, "bench", "bench", patience, Fallback.CLOSED, EngineOptions.DEFAULT_LEASE);
    try (Masters masters = Masters.of(options.servers(), patience, null, master -> {})) {
      masters.start();
      PoolScripts scripts =
          new PoolScripts(masters.link(plan.name()), plan, options, new Introductions());
      scripts.plans().configure().join();
      List<CompletableFuture<Reply>> all = new ArrayList<>();
      for (int n = 0; n < workload.keys(); n++) {
        if (!workload.standing().carries(n)) {
          String group = Workload.group(n);
          all.add(
              workload.standing() == Standing.COOLING
                  ? scripts.cooldown("g:" + group, Duration.ofHours(1), 0)
                  : new LeaseCalls(scripts)
                      .charge(
                          new PendingUpdate.LateCharge(
                              "used" + n, group, List.of(new Used(Workload.used(), 0))),
                          0));
        }
      }
      all.forEach(CompletableFuture::join);
      return scripts.epoch();
    }
  }
}
