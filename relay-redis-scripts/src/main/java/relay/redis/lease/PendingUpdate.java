package relay.redis.lease;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.model.LeaseRef;
import relay.redis.model.Usage;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;

/**
 * An update of Redis's accounting. It may be sent late or more than once: Redis applies it once.
 */
public sealed interface PendingUpdate {
  /** The end of a lease. */
  sealed interface Ending extends PendingUpdate {
    String id();

    /** Actual cost: its requests, or none if the lease was cancelled. */
    Usage cost();

    /** The key whose budgets it is charged to; empty if unknown. */
    String key();

    /** Reserved of them, in billionths of a dollar. */
    long reservedNanodollars();

    /** Really spent. */
    long usedNanodollars();

    /** Whether a lasting lease ends for good: it cannot be settled again, not even in vain. */
    default boolean isFinal() {
      return false;
    }
  }

  /**
   * @param unansweredNanos when it was first sent without an answer, which leaves open whether
   *     Redis applied it; 0 if never
   */
  record Settle(TrackedLease lease, Usage cost, long unansweredNanos) implements Ending {
    Settle(TrackedLease lease, Usage cost) {
      this(lease, cost, 0);
    }

    @Override
    public String id() {
      return lease.id();
    }

    @Override
    public String key() {
      return lease.key();
    }

    @Override
    public long reservedNanodollars() {
      return lease.reservedNanodollars();
    }

    @Override
    public long usedNanodollars() {
      return lease.usedNanodollars();
    }
  }

  record Cancel(String id, String key, long reservedNanodollars) implements Ending {
    static Cancel of(TrackedLease lease) {
      return new Cancel(lease.id(), lease.key(), lease.reservedNanodollars());
    }

    @Override
    public long usedNanodollars() {
      return 0;
    }

    @Override
    public Usage cost() {
      return Usage.NONE;
    }
  }

  /**
   * The end of a lasting lease, perhaps of another replica. Who asks for it tries again if it
   * fails.
   *
   * @param done completes with the answer, or fails with the call
   */
  record ByRef(
      LeaseRef lease,
      Usage cost,
      long usedNanodollars,
      boolean isFinal,
      CompletableFuture<relay.redis.model.Ending> done)
      implements Ending {
    @Override
    public String id() {
      return lease.id();
    }

    @Override
    public String key() {
      return lease.key();
    }

    @Override
    public long reservedNanodollars() {
      return lease.nanodollars();
    }

    /** The call is over. */
    void answer(@Nullable Reply reply, @Nullable Throwable failure) {
      switch (reply) {
        case null ->
            done.completeExceptionally(
                failure == null ? new IllegalStateException("no reply") : failure);
        case Reply.Settled _ -> done.complete(relay.redis.model.Ending.SETTLED);
        case Reply.Ended _ -> done.complete(relay.redis.model.Ending.SETTLED_BEFORE);
        default -> done.complete(relay.redis.model.Ending.UNKNOWN);
      }
    }
  }

  /**
   * Usage without a lease in Redis.
   *
   * @param spreadMicros in which its part of the rates was free for it; 0 if it was used at once
   * @param spent of its key's budgets
   * @param unansweredNanos as {@link Settle#unansweredNanos}
   */
  record LateCharge(
      String id,
      String group,
      List<Used> used,
      long spreadMicros,
      Spent spent,
      long unansweredNanos)
      implements PendingUpdate {
    public LateCharge(String id, String group, List<Used> used) {
      this(id, group, used, Spent.NOTHING, 0);
    }

    public LateCharge(String id, String group, List<Used> used, Spent spent, long spreadMicros) {
      this(id, group, used, spreadMicros, spent, 0);
    }
  }

  /**
   * What a charge adds to its key's budgets.
   *
   * @param nanodollars in billionths of a dollar
   * @param tokens input and output
   * @param budgets as the scripts read them
   * @param made charges only the hash of budgets that was made then, since a newer hash is told of
   *     all usage that is known; {@code -} to charge any hash
   */
  record Spent(long nanodollars, long tokens, String budgets, String made) {
    /** No budget, or any hash. */
    static final String NONE = ScriptCaller.text(ScriptCaller.NONE);

    public static final Spent NOTHING = new Spent(0, 0, NONE, NONE);
  }

  /**
   * A failover may have lost this lease: its charge, and its place while it runs.
   *
   * @param spreadMicros as {@link LateCharge#spreadMicros}
   * @param unansweredNanos as {@link Settle#unansweredNanos}
   */
  record Recharge(TrackedLease lease, long spreadMicros, long unansweredNanos)
      implements PendingUpdate {}

  /** The update, with the time at which it got no answer. An earlier such time stays. */
  default PendingUpdate unansweredAt(long nanos) {
    return switch (this) {
      case Settle s when s.unansweredNanos() == 0 -> new Settle(s.lease(), s.cost(), nanos);
      case LateCharge c when c.unansweredNanos() == 0 ->
          new LateCharge(c.id(), c.group(), c.used(), c.spreadMicros(), c.spent(), nanos);
      case Recharge r when r.unansweredNanos() == 0 ->
          new Recharge(r.lease(), r.spreadMicros(), nanos);
      case Settle _, Cancel _, ByRef _, LateCharge _, Recharge _ -> this;
    };
  }
}
