package relay.redis.lease;

import org.jspecify.annotations.Nullable;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;
import relay.redis.model.Lasting;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.script.Reply;

/** A {@link Lasting} lease, while a replica answers a call about it. Nothing here remembers it. */
public final class LastingLease extends Lease {

  public LastingLease(End end, LeaseRef ref, Acquisition.@Nullable Reason wouldDeny) {
    super(
        end,
        ref.id(),
        ref.key(),
        ref.group(),
        ref.inputTokens(),
        ref.outputTokens(),
        ref.nanodollars(),
        ref.epoch(),
        ref.grantedMicros(),
        wouldDeny,
        ref.requests(),
        ref.atAdmission());
  }

  /** The lease that Redis granted for a demand that lasts. */
  public static LastingLease of(
      Reply.Grant g, End end, Lasting lasting, long epoch, Demand demand) {
    LeaseRef ref =
        new LeaseRef(
            lasting.id(),
            g.key(),
            g.group(),
            g.inputTokens(),
            g.outputTokens(),
            g.requests(),
            demand.cost(),
            demand.outputSpread() == Demand.AT_ADMISSION,
            epoch,
            g.micros());
    return new LastingLease(end, ref, g.wouldDeny());
  }
}
