package relay.pool;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.redis.Accounting;
import relay.redis.KeyPlan;
import relay.redis.Limits;
import relay.redis.PoolPlan;
import relay.redis.Strategy;

/**
 * Clients' own limits, in the engine's words: a pool with a key and an account for each client that
 * has limits. A request asks it for the one key that has its client's name.
 */
final class ClientsPool {
  /** No provider can have this name: theirs start with a letter, a digit or an underscore. */
  static final String NAME = "@clients";

  /** The one model class: a client's limits hold for all models together. */
  private static final String MODEL_CLASS = "default";

  private static final Duration WINDOW = Duration.ofMinutes(1);

  private ClientsPool() {}

  /** The pool of those that have limits; empty if nobody has. */
  static Optional<PoolPlan> of(Auth auth) {
    return switch (auth) {
      case Auth.Open() -> Optional.empty();
      case Auth.Clients(List<Client> all) -> of(all.stream().filter(Client::isLimited).toList());
    };
  }

  /** Names of those that have no limits. */
  static List<String> unlimited(Auth auth) {
    return switch (auth) {
      case Auth.Open() -> List.of();
      case Auth.Clients(List<Client> all) ->
          all.stream().filter(client -> !client.isLimited()).map(Client::name).toList();
    };
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
            limits));
  }

  private static KeyPlan key(Client client) {
    return new KeyPlan(client.name(), client.name(), 1, 1, client.bounds().maxConcurrent(), client.enforce());
  }
}
