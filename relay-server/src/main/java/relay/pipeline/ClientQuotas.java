package relay.pipeline;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.redis.KeyPool;
import relay.redis.PoolPlan;
import relay.redis.UsageTally;
import relay.redis.UsageTally.Standing;

/**
 * Clients' own limits, shared by all replicas in a pool with one key per limited client. Counts the
 * usage of clients without limits.
 */
final class ClientQuotas {
  private final @Nullable KeyPool pool;
  private final Set<String> limited;
  private final UsageTally tally;

  /**
   * @param pool its keys have the names of the clients; null if no client has limits
   * @param limited the clients that have
   * @param tally counts the requests of the others
   */
  ClientQuotas(@Nullable KeyPool pool, Set<String> limited, UsageTally tally) {
    this.pool = pool;
    this.tally = tally;
    this.limited = Set.copyOf(limited);
  }

  /**
   * The quota of one request.
   *
   * @param counted false for a request that counts against no limit
   */
  ClientQuota of(Caller caller, boolean counted) {
    if (!counted) {
      return ClientQuota.NONE;
    }
    return pool != null && limited.contains(caller.name())
        ? ClientQuota.of(pool, caller.name())
        : ClientQuota.unlimited(tally, caller.name());
  }

  /** The client's own limits, for its answers; null if it has none. */
  @Nullable OwnLimits own(Caller caller) {
    if (pool == null || !limited.contains(caller.name())) {
      return null;
    }
    PoolPlan plan = pool.plan();
    String group = PoolPlan.group(caller.name(), plan.modelClasses().getFirst());
    return new OwnLimits(pool, caller.name(), plan.limitsOf(group));
  }

  /** What a client has used in the last minute, over all replicas. Fails without Redis. */
  CompletableFuture<Standing> use(Caller caller) {
    return pool != null && limited.contains(caller.name())
        ? pool.use(caller.name())
        : tally.standing(caller.name());
  }
}
