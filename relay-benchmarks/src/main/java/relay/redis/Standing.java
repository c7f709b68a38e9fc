package relay.redis;

/** The state of the keys in a measured pool. */
public enum Standing {
  /** All keys have capacity. */
  FREE,
  /** 99 of 100 keys are in cooldown during the whole measurement. */
  COOLING,
  /** 99 of 100 keys have exhausted their limits during the whole measurement. */
  EXHAUSTED,
  /** Clients ask for ten times what all keys have, and are refused. */
  SHORT;

  /** Whether the key at an index of the pool has capacity. */
  boolean carries(int place) {
    return this == FREE || this == SHORT || place % 100 == 0;
  }
}
