package relay.admission;

import relay.model.Counting;
import relay.model.TokenUsage;
import relay.redis.model.Lease;

/** The charge of a reported usage against the limits, by the provider's way of counting. */
record Charge(long inputTokens, long outputTokens) {

  /**
   * The charge of a request that has ended.
   *
   * @param maxOutputTokens the client's bound on the output; negative if it gave none
   */
  static Charge of(Counting counting, long maxOutputTokens, TokenUsage usage) {
    return new Charge(counting.input(usage), counting.output(usage, maxOutputTokens));
  }

  /**
   * The charge by the usage seen so far. An incomplete answer may have cost more output than it
   * reported, so at least what its bytes show is charged, or the reservation.
   *
   * @param made output tokens by the bytes of the stream; 0 if unknown
   */
  static Charge seen(RequestPlan plan, ReportedUsage told, Lease lease, long made) {
    long shown = plan.counting().weights().output(made);
    boolean isKnown = made > 0 && plan.counting().countsAsMade();
    long least = isKnown ? shown : Math.max(lease.outputTokens(), shown);
    TokenUsage usage = told.tokens();
    if (usage == null) {
      return new Charge(lease.inputTokens(), least);
    }
    Charge reported = of(plan.counting(), plan.request().maxOutputTokens(), usage);
    if (told.complete()) {
      return reported;
    }
    return new Charge(reported.inputTokens(), Math.max(reported.outputTokens(), least));
  }
}
