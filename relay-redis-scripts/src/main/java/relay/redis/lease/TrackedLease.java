package relay.redis.lease;

import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.script.Reply;

/** A lease that Redis granted, with what this replica keeps of it until Redis has its end. */
public final class TrackedLease extends Lease {
  private final boolean isMadeLater; // its output
  private int recentPlace; // written before the lease is handed out
  private long recentNanos; // likewise
  private volatile long reportedMade;
  private volatile long reportedNanodollars;
  private volatile long usedNanodollars;
  private long countedEpoch; // 0: it is charged in a call of its own; guarded by this, as the next
  private long countedNanos;
  private long countedOutput;
  private boolean isEndSeen;

  private TrackedLease(End end, String id, Reply.Grant g, long epoch, Demand demand) {
    super(
        end,
        id,
        g.key(),
        g.group(),
        g.inputTokens(),
        g.outputTokens(),
        demand.cost(),
        epoch,
        g.micros(),
        g.wouldDeny());
    countedEpoch = epoch;
    isMadeLater = demand.outputSpread() != Demand.AT_ADMISSION;
  }

  /** The lease that Redis granted for a demand. */
  public static TrackedLease of(Reply.Grant grant, End end, String id, long epoch, Demand demand) {
    return new TrackedLease(end, id, grant, epoch, demand);
  }

  /**
   * Its place among the {@link RecentGrants}, until a later grant takes it, and when it got that.
   */
  void isRecent(int place, long nanos) {
    recentPlace = place;
    recentNanos = nanos;
  }

  int recentPlace() {
    return recentPlace;
  }

  long recentNanos() {
    return recentNanos;
  }

  /** Redis has counted this. */
  void counted(Made told) {
    reportedMade = Math.max(reportedMade, told.outputTokens());
    reportedNanodollars = Math.max(reportedNanodollars, beyondReserved(told));
  }

  /** The cost of the lease beyond its reservation. */
  long beyondReserved(Made now) {
    return Math.max(0, now.nanodollars() - reservedNanodollars());
  }

  /** Output that its key's budgets have counted: reserved, or reported since. */
  long budgetedOutput() {
    return reportsMade() ? Math.max(outputTokens(), reportedMade) : outputTokens();
  }

  /** Likewise of dollars, in billionths. */
  long budgetedNanodollars() {
    return reservedNanodollars() + reportedNanodollars;
  }

  /** The output that was charged at admission. */
  long chargedOutput() {
    return isMadeLater ? 0 : outputTokens();
  }

  /**
   * {@link UsedLately} counts it as charged under this epoch, at a time, with this output; or
   * leaves it out, if the epoch is 0: then it is charged in a call of its own.
   */
  synchronized void count(long underEpoch, long nanos, long output) {
    countedEpoch = underEpoch;
    countedNanos = nanos;
    countedOutput = output;
  }

  synchronized long countedEpoch() {
    return countedEpoch;
  }

  synchronized long countedNanos() {
    return countedNanos;
  }

  synchronized long countedOutput() {
    return countedOutput;
  }

  /** {@link UsedLately} has seen its end. */
  synchronized void seeEnd() {
    isEndSeen = true;
  }

  synchronized boolean isEndSeen() {
    return isEndSeen;
  }

  long usedNanodollars() {
    return usedNanodollars;
  }

  /** Redis has this report. */
  void reported(Progress told) {
    reportedMade = Math.max(reportedMade, told.made());
  }

  /** The output that Redis knows of. */
  long reportedMade() {
    return reportedMade;
  }

  /** The output that Redis knows of: as reported, else the reservation and what exceeds it. */
  long toldOutput() {
    return isReported() ? reportedMade : budgetedOutput();
  }

  /** Notes that the lease has ended, and its cost. */
  void uses(long nanodollars) {
    usedNanodollars = nanodollars;
  }
}
