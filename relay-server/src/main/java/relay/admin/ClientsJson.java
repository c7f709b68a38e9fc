package relay.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admin.PoolStates.RedisSilent;
import relay.config.ModelPattern;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.pool.BudgetJson;
import relay.pool.ClientShares;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.redis.UsageTally.Standing;
import relay.redis.model.Budget;
import relay.redis.model.Dimension;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Usage;

/**
 * The clients with their permissions, limits and usage of the last minute. {@code null} means no
 * restriction or no limit.
 */
final class ClientsJson {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** The advised wait for a client at its concurrency limit: the end of a request is unknown. */
  private static final long FULL_MS = 1_000;

  private static final int MANY = 200;
  private static final Duration RECENT = Duration.ofSeconds(10); // heartbeats read every 5 s

  private static final Standing NOTHING = new Standing(Usage.NONE, 0);

  private final Map<String, GroupState> groups;
  private final Map<String, KeyState> keys;
  private final Map<String, Standing> unlimited;
  private final @Nullable KeyPool pool;
  private final ClientShares shares;
  private final Map<String, ClientState> states;

  private ClientsJson(
      ClientShares shares,
      Map<String, ClientState> states,
      @Nullable KeyPool pool,
      @Nullable PoolSnapshot state,
      Map<String, Standing> unlimited) {
    this.shares = shares;
    this.states = states;
    this.pool = pool;
    this.unlimited = unlimited;
    groups =
        state == null
            ? Map.of()
            : state.groups().stream()
                .collect(Collectors.toMap(GroupState::account, Function.identity()));
    keys =
        state == null
            ? Map.of()
            : state.keys().stream().collect(Collectors.toMap(KeyState::id, Function.identity()));
  }

  /**
   * @param pool the clients' own limits; null if no client has limits
   * @param tally the usage of clients without limits
   * @param shared the pools that clients share
   */
  static ObjectNode of(
      Auth auth, @Nullable KeyPool pool, UsageTally tally, Collection<KeyPool> shared)
      throws RedisSilent {
    CompletableFuture<UsageTally.Known> counted = tally.known();
    PoolStates.Known known = pool == null ? null : PoolStates.await(lately(pool));
    UsageTally.Known unlimited = PoolStates.await(counted);
    ClientsJson writer =
        new ClientsJson(
            new ClientShares(auth),
            ClientShares.states(shared),
            pool,
            known == null ? null : known.state(),
            unlimited.standings());
    long ageMs = Math.max(known == null ? 0 : known.ageMs(), unlimited.age().toMillis());
    ObjectNode all = JSON.objectNode().put("age_ms", ageMs);
    ArrayNode clients = all.putArray("clients");
    auth.clients().forEach(client -> clients.add(writer.client(client)));
    return all;
  }

  /** What the last heartbeats read of many clients: to read all takes Redis 100 calls. */
  private static CompletableFuture<PoolStates.Known> lately(KeyPool pool) {
    boolean reads = pool.named().want();
    PoolSnapshot latest = pool.latest();
    Duration age = pool.latestAge();
    return reads && latest != null && pool.plan().keys().size() > MANY && age.compareTo(RECENT) < 0
        ? CompletableFuture.completedFuture(new PoolStates.Known(latest, age.toMillis()))
        : PoolStates.known(pool);
  }

  private ObjectNode client(Client each) {
    ObjectNode client = JSON.objectNode();
    client.put("name", each.name());
    client.put("enforce", each.enforce());
    client.put("weight", each.standing().weight());
    client.put("priority", each.standing().priority().name().toLowerCase(Locale.ROOT));
    client.put("share", shares.of(each));
    ClientState state = states.get(each.name());
    client.put("share_ratio", state == null ? 0 : state.ratio());
    client.put("waiting", state == null ? 0 : state.waiting());
    if (each.models().isEmpty()) {
      client.putNull("models");
    } else {
      ArrayNode models = client.putArray("models");
      each.models().stream().map(ModelPattern::pattern).forEach(models::add);
    }
    if (each.providers().isEmpty()) {
      client.putNull("providers");
    } else {
      ArrayNode providers = client.putArray("providers");
      each.providers().stream().sorted().forEach(providers::add);
    }
    if (each.isLimited()) {
      limited(client, each);
    } else {
      unlimited(client, unlimited.getOrDefault(each.name(), NOTHING));
    }
    budgets(client.putArray("budgets"), each);
    return client;
  }

  private void limited(ObjectNode client, Client each) {
    if (each.hasLimits()) {
      var limits = each.bounds().limits();
      client
          .putObject("limits")
          .put("rpm", known(limits.rpm()))
          .put("itpm", known(limits.itpm()))
          .put("otpm", known(limits.otpm()))
          .put("tpm", known(limits.tpm()))
          .put("max_concurrent", known(each.bounds().maxConcurrent()));
    } else {
      client.putNull("limits"); // it has budgets
    }
    GroupState group = groups.get(each.name());
    KeyState key = keys.get(each.name());
    use(client, group == null ? Usage.NONE : group.used(), key == null ? 0 : key.inFlight());
    client.put("cooldown_ms", group == null ? 0 : millis(group.cooldown()));
    client.put("next_capacity_ms", nextCapacityMs(group, key));
  }

  /**
   * As {@code GET /v1/relay/usage} tells the client; what is spent is at most 2 s old, of 10,000
   * clients 100 s.
   */
  private void budgets(ArrayNode budgets, Client each) {
    if (pool == null || !each.isLimited()) {
      return;
    }
    for (Budget.Spent spent : pool.named().spent(each.name())) {
      budgets.add(BudgetJson.of(spent, Instant.now()));
    }
  }

  private static void unlimited(ObjectNode client, Standing standing) {
    client.putNull("limits");
    use(client, standing.used(), standing.inFlight());
    client.put("cooldown_ms", 0);
    client.put("next_capacity_ms", 0);
  }

  private static void use(ObjectNode client, Usage usage, long inFlight) {
    ObjectNode used = client.putObject("used");
    for (Dimension dimension : Dimension.values()) {
      used.put(dimension.label(), usage.of(dimension));
    }
    client.put("in_flight", inFlight);
  }

  /** Milliseconds until the smallest request is admitted. */
  private static long nextCapacityMs(@Nullable GroupState group, @Nullable KeyState key) {
    long opens = group == null ? 0 : millis(group.opens());
    boolean full = key != null && key.maxConcurrent() > 0 && key.inFlight() >= key.maxConcurrent();
    return full ? Math.max(opens, FULL_MS) : opens;
  }

  private static @Nullable Long known(long limit) {
    return limit > 0 ? (Long) limit : null;
  }

  private static long millis(Duration duration) {
    return duration.plusNanos(999_999).toMillis();
  }
}
