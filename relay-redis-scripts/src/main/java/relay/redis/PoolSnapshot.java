package relay.redis;

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
 */
public record PoolSnapshot(
    Duration nextCapacity,
    int replicas,
    long leases,
    long expiredLeases,
    List<GroupState> groups,
    List<KeyState> keys,
    List<ConfigState> configs) {
  public PoolSnapshot {
    groups = List.copyOf(groups);
    keys = List.copyOf(keys);
    configs = List.copyOf(configs);
  }

  /** The state of a pool of which no replica has said what configuration it runs with. */
  public PoolSnapshot(
      Duration nextCapacity,
      int replicas,
      long leases,
      long expiredLeases,
      List<GroupState> groups,
      List<KeyState> keys) {
    this(nextCapacity, replicas, leases, expiredLeases, groups, keys, List.of());
  }

  /**
   * A configuration of live replicas.
   *
   * @param hash as {@link RedisEngine#runs} told it; empty if a replica told none
   * @param since when the first of them took it
   * @param replicas how many run with it
   */
  public record ConfigState(String hash, Instant since, int replicas) {}

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
      Days.Count dayLimits,
      Days.Count dayUsed) {

    /** A group without limits a day. */
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
