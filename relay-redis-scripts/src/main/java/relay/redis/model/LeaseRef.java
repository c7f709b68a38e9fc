package relay.redis.model;

/**
 * What any replica must know of a {@link Lasting} lease to report on it or to end it.
 *
 * @param key id of the key that was granted
 * @param group id of the charged quota group
 * @param inputTokens reserved
 * @param outputTokens reserved
 * @param requests granted
 * @param nanodollars reserved of its key's budgets
 * @param atAdmission whether the output is charged at admission
 * @param epoch the pool's, at the grant
 * @param grantedMicros on the pool's clock
 */
public record LeaseRef(
    String id,
    String key,
    String group,
    long inputTokens,
    long outputTokens,
    int requests,
    long nanodollars,
    boolean atAdmission,
    long epoch,
    long grantedMicros) {

  public LeaseRef {
    if (!Lasting.isLasting(id)) {
      throw new IllegalArgumentException("not a lasting lease: " + id);
    }
  }

  /** The reference to a lease that was granted to a demand with {@link Lasting}. */
  public static LeaseRef of(Lease lease) {
    return new LeaseRef(
        lease.id(),
        lease.key(),
        lease.group(),
        lease.inputTokens(),
        lease.outputTokens(),
        lease.requests(),
        lease.reservedNanodollars(),
        lease.isAtAdmission(),
        lease.epoch(),
        lease.grantedMicros());
  }
}
