package relay.redis;

/** What Redis must be told, if need be later. Each may be sent again: it counts once. */
sealed interface Unsent {
  /** The end of a lease. */
  sealed interface Ending extends Unsent {
    String id();

    /** What it really cost: one request, or none if it was cancelled. */
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

  /** Used without a lease in Redis. */
  record OutageUsage(String id, String group, Usage usage) implements Unsent {}
}
