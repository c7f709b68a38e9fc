package relay.redis;

/** The state of the keys in a measured pool. */
public enum Standing {
  /** All keys have capacity. */
  FREE,
  /** 99 of 100 keys are in cooldown during the whole measurement. */
  COOLING,
  /** 99 of 100 keys have exhausted their limits during the whole measurement. */
  EXHAUSTED;

  /** Whether the key at an index of the pool has capacity. */
  boolean carries(int place) {
    return this == FREE || place % 100 == 0;
  }
}
