package relay.pool;

import java.util.Locale;
import relay.redis.model.PoolSnapshot.KeyState;

/** A key's availability. */
public enum KeyStatus {
  ACTIVE,
  /**
   * The key or all its quota groups are in cooldown. While one group is free, the key still serves
   * that group's models.
   */
  COOLING,
  /** Not used until an operator restores it or a probe succeeds. */
  QUARANTINED,
  /** Removed from the configuration, but requests still run. */
  DRAINING;

  /** The status of a key of a pool. */
  public static KeyStatus of(KeyState key) {
    if (key.draining()) {
      return DRAINING;
    }
    if (key.quarantine() != null) {
      return QUARANTINED;
    }
    return key.cooldown().isPositive() ? COOLING : ACTIVE;
  }

  /** The name shown to operators. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
