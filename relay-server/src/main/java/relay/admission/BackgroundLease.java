package relay.admission;

import org.jspecify.annotations.Nullable;
import relay.metrics.ClientMeters;
import relay.metrics.Meters;
import relay.model.Counting;
import relay.model.TokenUsage;
import relay.redis.model.Lease;

/**
 * The lease and the client's quota of a response that runs on in the background. They keep their
 * places in {@code max_concurrent} until {@link #end}. Holds nothing of the request's connection or
 * body.
 *
 * @param maxOutputTokens the client's bound on the output; negative if it gave none
 */
public record BackgroundLease(
    Lease lease,
    ClientQuota quota,
    Counting counting,
    long maxOutputTokens,
    ClientMeters.Served request,
    Meters meters) {

  /**
   * To be called once.
   *
   * @param usage null if it is unknown: then what was reserved is charged
   */
  public void end(@Nullable TokenUsage usage) {
    if (usage == null) {
      lease.close();
    } else {
      Charge charge = Charge.of(counting, maxOutputTokens, usage);
      lease.settle(charge.inputTokens(), charge.outputTokens());
      quota.used(lease, usage);
      meters.tokens(request.provider(), lease.key(), request.model(), usage);
      meters.clients().used(request, usage);
    }
    quota.end();
  }
}
