package relay.pool;

import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.ClientPriority;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Pooling;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.redis.KeyPool;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.Share;

/** The clients' shares of a pool that is short. */
public final class ClientShares {
  private static final double THOUSANDTHS = 1_000;

  private final boolean ranked; // any has another weight or priority than the default
  private final Map<String, Integer> restricted = new HashMap<>(); // clients by provider
  private int unrestricted; // clients of all providers
  private final Map<ClientPriority, Long> weights = new EnumMap<>(ClientPriority.class);

  public ClientShares(Auth auth) {
    List<Client> all = auth.clients();
    ranked = all.stream().anyMatch(client -> !client.standing().equals(Client.Standing.DEFAULT));
    for (Client each : all) {
      weights.merge(each.standing().priority(), each.standing().weight(), Long::sum);
      unrestricted += each.providers().isEmpty() ? 1 : 0;
      each.providers().forEach(provider -> restricted.merge(provider, 1, Integer::sum));
    }
  }

  /** What a client gets at least of what its priority gets, in (0, 1]; 1 for one alone. */
  public double of(Client client) {
    Client.Standing standing = client.standing();
    long all = weights.getOrDefault(standing.priority(), standing.weight());
    return (double) standing.weight() / Math.max(1, all);
  }

  /** Whether clients share this provider's pool, or its one client has a weight or a priority. */
  private boolean active(String provider) {
    return ranked || unrestricted + restricted.getOrDefault(provider, 0) > 1;
  }

  /** What clients have of all these pools that are short, by name. */
  public static Map<String, ClientState> states(Collection<KeyPool> pools) {
    Map<String, ClientState> all = new HashMap<>();
    for (KeyPool pool : pools) {
      PoolSnapshot latest = pool.latest();
      if (latest != null) {
        latest.clients().forEach(state -> all.merge(state.name(), state, ClientState::and));
      }
    }
    return all;
  }

  /**
   * A request's share of a provider's pool.
   *
   * @param name of who asks
   * @param client null if it is not known, because nobody needs a credential
   * @param asked the priority that the request asks for; it may only lower the client's
   */
  public Share of(
      String name,
      @Nullable Client client,
      @Nullable ClientPriority asked,
      ProviderConfig provider) {
    Pooling pooling = provider.pooling();
    Client.Standing standing = client == null ? Client.Standing.DEFAULT : client.standing();
    boolean isAlone = !active(provider.name());
    ClientPriority priority =
        asked == null || asked.compareTo(standing.priority()) < 0 ? standing.priority() : asked;
    double interactive = isAlone ? 0 : pooling.interactiveHeadroom(); // one alone has none
    double headroom =
        switch (priority) {
          case INTERACTIVE -> 0;
          case STANDARD -> interactive;
          case BATCH -> interactive + pooling.standardHeadroom();
        };
    double floor = priority == ClientPriority.BATCH ? pooling.floor() : 0;
    int headroomParts = (int) Math.round(headroom * THOUSANDTHS);
    int floorParts = (int) Math.round(floor * THOUSANDTHS);
    return isAlone
        ? Share.alone(name, priority.number(), headroomParts, floorParts)
        : new Share(name, priority.number(), standing.weight(), headroomParts, floorParts);
  }
}
