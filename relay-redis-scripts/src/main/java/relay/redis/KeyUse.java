package relay.redis;

/**
 * What a key of a {@link PoolPlan#named} pool has used.
 *
 * @param used in the window
 * @param inFlight live leases
 */
public record KeyUse(Usage used, long inFlight) {
  static final KeyUse NOTHING = new KeyUse(Usage.NONE, 0);

  static KeyUse of(Reply reply) {
    return reply instanceof Reply.InUse(Usage used, long inFlight)
        ? new KeyUse(used, inFlight)
        : NOTHING; // its limits have gone
  }
}
