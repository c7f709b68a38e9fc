package relay.admission;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.auth.Clients.Caller;
import relay.config.ServerConfig.Client;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.model.TokenUsage;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.redis.UsageTally.Standing;
import relay.redis.model.Budget;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;

/**
 * Clients' own limits, shared by all replicas in a pool with one key per limited client. Counts the
 * usage of clients without limits.
 */
public final class ClientQuotas {
  private static final Logger log = LoggerFactory.getLogger(ClientQuotas.class);
  private static final long USUAL_TOKENS = 500;

  private final @Nullable KeyPool pool;
  private final Set<String> limited;
  private final Map<String, Long> refused = new ConcurrentHashMap<>(); // since when, of `limited`
  private final UsageTally tally;
  private final Prices prices;
  private final Set<String> unpriced = ConcurrentHashMap.newKeySet(); // clients that are logged

  /**
   * @param pool its keys have the names of the clients; null if no client has limits
   * @param limited the clients that have
   * @param tally counts the requests of the others
   * @param prices for budgets in dollars
   */
  ClientQuotas(@Nullable KeyPool pool, Set<String> limited, UsageTally tally, Prices prices) {
    this.prices = prices;
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
        ? ClientQuota.of(pool, caller.name(), spending(caller), refused)
        : ClientQuota.unlimited(tally, caller.name());
  }

  /** The quota of what a client reserved before; one of nothing if its limits have gone since. */
  ClientQuota again(Caller caller, @Nullable Lease reserved) {
    return reserved == null || pool == null
        ? ClientQuota.NONE
        : ClientQuota.again(pool, caller.name(), spending(caller), reserved);
  }

  /** The pool of clients' limits; null if no client has any. */
  @Nullable KeyPool pool() {
    return pool;
  }

  /** Counts what a client without limits has used. */
  void count(Caller caller, Usage used) {
    if (pool == null || !limited.contains(caller.name())) {
      tally.began(caller.name());
      tally.ended(caller.name(), used);
    }
  }

  private @Nullable Spending spending(Caller caller) {
    Client known = caller.restrictions();
    return known != null && known.countsDollars()
        ? new Spending(prices, model -> passedUnpriced(known.name(), model))
        : null;
  }

  /** Only in shadow mode: else {@link #priced} keeps a request from such a provider. */
  private void passedUnpriced(String client, String model) {
    if (unpriced.add(client)) {
      log.warn(
          "client {} has a budget in usd, which is not enforced, and uses the model {} without a"
              + " price: it counts 0 dollars. Give it a price in `prices`",
          client,
          model);
    }
  }

  /**
   * The providers that may serve a client's request: under an enforced budget in dollars those at
   * which the model has a price, whichever comes first.
   */
  List<Route> priced(Caller caller, List<Route> chosen, String model) {
    Client known = caller.restrictions();
    return known != null && known.countsDollars() && known.enforce()
        ? chosen.stream()
            .filter(route -> prices.of(route.api().config().upstreamModel(model)) != null)
            .toList()
        : chosen;
  }

  /** Reads what is spent of a client's budgets; nothing if it has none. Fails without Redis. */
  public CompletableFuture<List<Budget.Spent>> spent(Caller caller) {
    Client known = caller.restrictions();
    return pool == null || known == null || known.bounds().budgets().isEmpty()
        ? CompletableFuture.completedFuture(List.of())
        : pool.named().readSpent(caller.name());
  }

  /**
   * Why a request of unknown cost is refused: a budget of its client has no room for one of a usual
   * size. Null if it may pass. Blocks until Redis has answered; without Redis what was known last
   * decides.
   */
  public @Nullable RelayError spentBudget(Caller caller, Dialect dialect) {
    Client known = caller.restrictions();
    if (pool == null || known == null || !known.enforce()) {
      return null;
    }
    List<Budget.Spent> all =
        spent(caller).exceptionally(_ -> pool.named().spent(caller.name())).join();
    return all.stream()
        .filter(one -> one.spent() > 0 && one.spent() + usual(one.budget()) > one.budget().limit())
        .max(Comparator.comparing(Budget.Spent::left))
        .map(
            one ->
                RelayError.overBudget(dialect, BudgetText.spent(caller.name(), one, Instant.now())))
        .orElse(null);
  }

  /** What a request of a usual size costs, of the model with the lowest price. */
  private long usual(Budget budget) {
    return switch (budget.unit()) {
      case TOKENS -> USUAL_TOKENS;
      case USD -> prices.least(TokenUsage.NONE.withOutput(USUAL_TOKENS));
    };
  }

  /** The client's own limits, for its answers; null if it has none. */
  public @Nullable OwnLimits own(Caller caller) {
    if (pool == null || !limited.contains(caller.name())) {
      return null;
    }
    PoolPlan plan = pool.plan();
    String group = PoolPlan.group(caller.name(), plan.modelClasses().getFirst());
    return new OwnLimits(pool, caller.name(), plan.limitsOf(group));
  }

  /** What a client has used in the last minute, over all replicas. Fails without Redis. */
  public CompletableFuture<Standing> use(Caller caller) {
    return pool != null && limited.contains(caller.name())
        ? pool.named().use(caller.name())
        : tally.standing(caller.name());
  }
}
