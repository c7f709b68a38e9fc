package relay.redis.model;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state of a pool at one moment.
 *
 * @param nextCapacity time until the smallest request can be granted; zero if now
 * @param replicas replicas with a heartbeat in the last three seconds
 * @param leases live leases
 * @param expiredLeases leases that expired since the pool's state began
 * @param configs the configurations that live replicas run with, newest first: more than one while
 *     a change goes through the fleet
 * @param clients those that asked in the last window while the pool was short, if it is shared: see
 *     {@link Share}
 */
public record PoolSnapshot(
    Duration nextCapacity,
    int replicas,
    long leases,
    long expiredLeases,
    List<GroupState> groups,
    List<KeyState> keys,
    List<ConfigState> configs,
    List<ClientState> clients) {
  public PoolSnapshot {
    groups = List.copyOf(groups);
    keys = List.copyOf(keys);
    configs = List.copyOf(configs);
    clients = List.copyOf(clients);
  }

  /** The state of a pool of which no replica has said what configuration it runs with. */
  public PoolSnapshot(
      Duration nextCapacity,
      int replicas,
      long leases,
      long expiredLeases,
      List<GroupState> groups,
      List<KeyState> keys) {
    this(nextCapacity, replicas, leases, expiredLeases, groups, keys, List.of(), List.of());
  }

  /** Whether the pool refused a request within a window, of clients that share it. */
  public boolean isShort() {
    return !clients.isEmpty();
  }

  /**
   * A configuration of live replicas.
   *
   * @param hash as {@code RedisEngine.runs} told it; empty if a replica told none
   * @param since when the first of them took it
   * @param replicas how many run with it
   */
  public record ConfigState(String hash, Instant since, int replicas) {}

  /**
   * A client of a pool that is short.
   *
   * @param granted what it was granted in about the last window, as a part of a limit
   * @param due its part of what clients of its priorities were granted, by weight
   * @param waiting its requests that were refused and are expected back, over all replicas
   */
  public record ClientState(String name, double granted, double due, long waiting) {
    /** The client's grants over its due share; 0 if no share is due. */
    public double ratio() {
      return due > 0 ? granted / due : 0;
    }

    /** This and what the client has of another pool. */
    public ClientState and(ClientState other) {
      return new ClientState(
          name, granted + other.granted, due + other.due, waiting + other.waiting);
    }
  }

  /**
   * A quota group.
   *
   * @param used usage in the present window
   * @param limits as Redis holds them
   * @param opens time until the window, pacer and cooldown admit the smallest request
   * @param learned limits stated in the provider's answers; 0 where none was
   * @param burst share of the burst that the provider is known to admit: 1, unless its bucket was
   *     seen to hold less than the limit, or it refused requests while the window was far from full
   * @param reservedOutput output tokens that running requests are expected to make yet; reserved
   *     requests and input are part of {@code used}
   * @param rule the rule that the group follows: the pool's accounting, or what answers decided
   * @param why it follows that rule, for people
   * @param dayLimits limits a day; none if the group has none
   * @param dayUsed usage of the present day, if it has such limits
   */
  public record GroupState(
      String id,
      String account,
      String modelClass,
      Limits limits,
      Usage used,
      long inFlight,
      Duration cooldown,
      Duration opens,
      Limits learned,
      double burst,
      long reservedOutput,
      Accounting rule,
      String why,
      Days.Count dayLimits,
      Days.Count dayUsed) {

    private static final String CONFIGURED = "configured";

    /** A group without limits a day, in a pool whose accounting is a window. */
    public GroupState(
        String id,
        String account,
        String modelClass,
        Limits limits,
        Usage used,
        long inFlight,
        Duration cooldown,
        Duration opens,
        Limits learned,
        double burst,
        long reservedOutput) {
      this(
          id,
          account,
          modelClass,
          limits,
          used,
          inFlight,
          cooldown,
          opens,
          learned,
          burst,
          reservedOutput,
          Accounting.SLIDING_WINDOW,
          CONFIGURED,
          Days.Count.NONE,
          Days.Count.NONE);
    }
  }

  /**
   * A key.
   *
   * @param quarantine reason of its quarantine, null if it is not quarantined
   * @param cooldown its own, or that of all its quota groups
   * @param draining whether no live replica's plan has the key any longer: its last requests run
   */
  public record KeyState(
      String id,
      String account,
      @Nullable String quarantine,
      Duration cooldown,
      long inFlight,
      int maxConcurrent,
      int priority,
      int weight,
      boolean draining) {

    /** A key that the pool's plan has. */
    public KeyState(
        String id,
        String account,
        @Nullable String quarantine,
        Duration cooldown,
        long inFlight,
        int maxConcurrent,
        int priority,
        int weight) {
      this(id, account, quarantine, cooldown, inFlight, maxConcurrent, priority, weight, false);
    }
  }
}
