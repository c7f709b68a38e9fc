package relay.redis;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state of a pool at one moment.
 *
 * @param nextCapacity time until the smallest request can be granted; zero if now
 * @param replicas replicas with a heartbeat in the last three seconds
 * @param leases live leases
 * @param expiredLeases leases that expired since the pool's state began
 */
public record PoolSnapshot(
    Duration nextCapacity,
    int replicas,
    long leases,
    long expiredLeases,
    List<GroupState> groups,
    List<KeyState> keys) {
  public PoolSnapshot {
    groups = List.copyOf(groups);
    keys = List.copyOf(keys);
  }

  /**
   * A quota group.
   *
   * @param used usage in the present window
   * @param limits as Redis holds them
   * @param opens time until the window, pacer and cooldown admit the smallest request
   * @param learned limits stated in the provider's answers; 0 where none was
   * @param burst share of the burst that the provider is known to admit: 1, unless it refused
   *     requests while the window was far from full
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
      double burst) {}

  /**
   * A key.
   *
   * @param quarantine reason of its quarantine, null if it is not quarantined
   * @param cooldown its own, or that of all its quota groups
   */
  public record KeyState(
      String id,
      String account,
      @Nullable String quarantine,
      Duration cooldown,
      long inFlight,
      int maxConcurrent,
      int priority,
      int weight) {}
}
