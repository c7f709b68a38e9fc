package relay.admission;

import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;

/**
 * The keys of a pool that do not take a request, although others of its class may use them: their
 * accounts refused it, or refuse its model for a time.
 *
 * @param most keys in the pool
 * @param opens when the first of the accounts takes it again; null if none does
 */
record Barred(Set<String> keys, int most, @Nullable Duration opens) {
  private static final Barred NONE = new Barred(Set.of(), 0, null);

  /**
   * @param stopped keys of accounts that refused the request
   */
  static Barred of(RequestPlan plan, Set<String> stopped, String client) {
    Map<String, Duration> refusing =
        plan.route().refusals().refusing(plan.upstreamModel(), plan.request().inputBytes(), client);
    if (stopped.isEmpty() && refusing.isEmpty()) {
      return NONE;
    }
    Set<String> keys = new HashSet<>();
    Duration opens = null;
    PoolPlan pool = plan.route().pool().plan();
    for (KeyPlan key : pool.keys()) {
      Duration left = refusing.get(PoolPlan.group(key.account(), plan.modelClass()));
      if (stopped.contains(key.id())) {
        keys.add(key.id());
      } else if (left != null) {
        keys.add(key.id());
        opens = Verdict.earlier(opens, left);
      }
    }
    return new Barred(keys, pool.keys().size(), opens);
  }

  /** Whether these are all keys of the pool. */
  boolean isAll(Set<String> some) {
    return some.size() == most;
  }

  /** The request's result if no other key may be used. */
  Acquisition refusal() {
    return opens == null ? new NoneUsable() : new Exhausted(opens, Reason.COOLDOWN);
  }

  /** An account that refuses the model may take it again before another has room. */
  Acquisition sooner(Acquisition elsewhere) {
    return switch (elsewhere) {
      case Exhausted e when opens != null && opens.compareTo(e.retryAfter()) < 0 -> refusal();
      case NoneUsable _ when opens != null -> refusal();
      default -> elsewhere;
    };
  }
}
