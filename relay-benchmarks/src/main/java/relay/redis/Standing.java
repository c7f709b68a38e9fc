package relay.redis;

/** How the keys of a measured pool stand. */
public enum Standing {
  /** All can carry every request. */
  FREE,
  /** Of a hundred keys, 99 are cooling down for longer than is measured. */
  COOLING,
  /** Of a hundred keys, 99 have used up their limits for longer than is measured. */
  EXHAUSTED;

  /** Whether the key at this place of the pool can carry requests. */
  boolean carries(int place) {
    return this == FREE || place % 100 == 0;
  }
}
