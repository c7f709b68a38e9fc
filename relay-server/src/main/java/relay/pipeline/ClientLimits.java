package relay.pipeline;

import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.redis.KeyPlan;
import relay.redis.KeyPool;

/** Clients' own limits, shared by all replicas through a pool with a key for each such client. */
final class ClientLimits {
  private final @Nullable KeyPool pool;
  private final Set<String> limited;

  /**
   * @param pool its keys have the names of the clients; null if no client has limits
   */
  ClientLimits(@Nullable KeyPool pool) {
    this.pool = pool;
    limited =
        pool == null
            ? Set.of()
            : pool.plan().keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
  }

  /**
   * The part that one request may have of them.
   *
   * @param counted false for a request that counts against no limit
   */
  Allowance of(Caller caller, boolean counted) {
    return pool != null && counted && limited.contains(caller.name())
        ? new Allowance(pool, caller.name())
        : Allowance.UNLIMITED;
  }
}
