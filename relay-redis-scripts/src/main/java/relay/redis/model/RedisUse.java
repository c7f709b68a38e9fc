package relay.redis.model;

/** How Redis serves a process. */
public enum RedisUse {
  /** Redis decides. */
  SHARED,
  /** Redis answers, but has not accepted a call of each pool yet. */
  NOT_YET,
  /**
   * Redis answers, but refuses calls: {@code RedisEngine.troubles} has the reasons. The fallback
   * decides.
   */
  REFUSED,
  /** Redis stays slow, so the fallback decides. */
  SLOW,
  /** Redis does not answer. The fallback decides. */
  AWAY
}
