package relay.pool;

import java.util.Locale;
import relay.redis.PoolSnapshot.KeyState;

/** Whether a key can be used. */
public enum KeyStatus {
  ACTIVE,
  /**
   * The key's own cooldown runs, or those of all its quota groups: while one of them is free, the
   * key may still serve the models of that.
   */
  COOLING,
  /** Not used until it is restored. */
  QUARANTINED,
  /** Removed from the configuration, with requests still running. */
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

  /** The word that operators see. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
