package relay.redis;

/** What a replica does while Redis cannot be asked. */
public enum Fallback {
  /** It uses its share of nine tenths of every limit, without burst, and charges it afterwards. */
  FAIR_SHARE,
  /** It refuses. */
  CLOSED,
  /** It lets everything through. */
  OPEN
}
