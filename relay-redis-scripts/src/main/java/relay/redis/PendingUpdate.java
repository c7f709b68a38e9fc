package relay.redis;

/**
 * An update of Redis's accounting. It may be sent late or more than once: Redis applies it once.
 */
sealed interface PendingUpdate {
  /** The end of a lease. */
  sealed interface Ending extends PendingUpdate {
    String id();

    /** Actual cost: one request, or none if the lease was cancelled. */
    Usage cost();
  }

  record Settle(Lease lease, Usage cost) implements Ending {
    @Override
    public String id() {
      return lease.id();
    }
  }

  record Cancel(String id) implements Ending {
    @Override
    public Usage cost() {
      return Usage.NONE;
    }
  }

  /** Usage without a lease in Redis. */
  record LateCharge(String id, String group, Usage usage) implements PendingUpdate {}
}
