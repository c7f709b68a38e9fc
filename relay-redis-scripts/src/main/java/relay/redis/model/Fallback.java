package relay.redis.model;

/** What a replica does while Redis is unreachable. */
public enum Fallback {
  /**
   * Uses the replica's share of nine tenths of every limit, without burst, and charges it
   * afterwards.
   */
  FAIR_SHARE,
  /** Refuses all requests. */
  CLOSED,
  /** Grants all requests. */
  OPEN
}
