package relay.redis.model;

/** How Redis serves a process. */
public enum RedisUse {
  /** It decides. */
  SHARED,
  /** It answers, and has not accepted a call of each pool yet. */
  NOT_YET,
  /** It answers, and refuses calls: {@code RedisEngine.troubles} says why. The fallback decides. */
  REFUSED,
  /** It stays slow, so the fallback decides. */
  SLOW,
  /** It does not answer. The fallback decides. */
  AWAY
}
