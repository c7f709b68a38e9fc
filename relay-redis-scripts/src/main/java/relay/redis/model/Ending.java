package relay.redis.model;

/** The outcome of a call that ends a {@link Lasting} lease. */
public enum Ending {
  /** The call has ended the lease, or corrected the charge of one that had expired. */
  SETTLED,

  /** The lease was settled before: nothing has changed. */
  SETTLED_BEFORE,

  /** There is no such lease, it ended for good, or Redis has forgotten it: nothing has changed. */
  UNKNOWN
}
