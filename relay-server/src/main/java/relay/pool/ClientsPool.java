package relay.pool;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import relay.config.BudgetConfig;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.redis.model.Accounting;
import relay.redis.model.Budget;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/**
 * Maps clients' own limits to an engine pool, with one key and one account per limited client. A
 * request acquires the key with its client's name.
 */
final class ClientsPool {
  /**
   * Cannot collide with a provider: provider names start with a letter, a digit or an underscore.
   */
  static final String NAME = "@clients";

  /** The one model class: a client's limits apply to all models together. */
  private static final String MODEL_CLASS = "default";

  private static final Duration WINDOW = Duration.ofMinutes(1);

  private ClientsPool() {}

  /** The pool of limited clients; empty if there are none. */
  static Optional<PoolPlan> of(Auth auth) {
    return of(auth.clients().stream().filter(Client::isLimited).toList());
  }

  /** The names of clients without limits. */
  static List<String> unlimited(Auth auth) {
    return auth.clients().stream().filter(client -> !client.isLimited()).map(Client::name).toList();
  }

  private static Optional<PoolPlan> of(List<Client> limited) {
    if (limited.isEmpty()) {
      return Optional.empty();
    }
    Map<String, Limits> limits = new HashMap<>();
    for (Client client : limited) {
      limits.put(
          PoolPlan.group(client.name(), MODEL_CLASS), Plans.limits(client.bounds().limits()));
    }
    return Optional.of(
        new PoolPlan(
            NAME,
            WINDOW,
            Strategy.ROUND_ROBIN,
            Accounting.SLIDING_WINDOW,
            1.0,
            List.of(MODEL_CLASS),
            limited.stream().map(ClientsPool::key).toList(),
            limits,
            true));
  }

  private static KeyPlan key(Client client) {
    return new KeyPlan(
        client.name(),
        client.name(),
        1,
        1,
        client.bounds().maxConcurrent(),
        client.enforce(),
        client.bounds().budgets().stream().map(ClientsPool::budget).toList());
  }

  private static Budget budget(BudgetConfig stated) {
    Budget.Per per =
        switch (stated.per()) {
          case DAY -> Budget.Per.DAY;
          case MONTH -> Budget.Per.MONTH;
        };
    return stated.usd() > 0
        ? new Budget(Budget.Unit.USD, per, stated.rolling(), stated.usd(), stated.hard())
        : new Budget(Budget.Unit.TOKENS, per, stated.rolling(), stated.tokens(), stated.hard());
  }
}
