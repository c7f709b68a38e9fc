package relay.admission;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admission.RefusalRule.Case;
import relay.pool.QuarantineReason;
import relay.redis.Refusals;
import relay.redis.Refusals.Scope;
import relay.redis.model.Lease;
import relay.upstream.ProviderApi;
import relay.upstream.ProviderReply;

/** An attempt that was answered 429: decides what cools down, and tells the pool. */
final class LimitedAttempt {
  private static final Logger log = LoggerFactory.getLogger(LimitedAttempt.class);

  /** A place of requests that run at once is free as soon as one of them ends. */
  private static final Duration UNTIL_ONE_ENDS = Duration.ofMillis(100);

  private final RequestRecord record;
  private final RequestPlan plan;
  private final Route route;
  private final Lease lease;
  private final ProviderApi api;

  LimitedAttempt(RequestRecord record, RequestPlan plan, Lease lease, ProviderApi api) {
    this.record = record;
    this.plan = plan;
    this.route = plan.route();
    this.lease = lease;
    this.api = api;
  }

  /**
   * Applies the refusal to what it is of.
   *
   * @param most bytes of the answer to read
   */
  Failure refused(ProviderReply answer, int most) {
    byte[] body = answer.readAtMost(most);
    String text = LimitRefusal.words(answer.header("content-encoding"), body);
    LimitRefusal refusal = LimitRefusal.of(answer, text, Instant.now(), plan.namesTier());
    record.meters().limitRefusal(route.name(), refusal.kind());
    return switch (refusal) {
      case LimitRefusal.Rate(var retryAfter) -> rate(retryAfter);
      case LimitRefusal.LargeRequest(var retryAfter) -> largeRequest(retryAfter);
      case LimitRefusal.Concurrency() -> concurrency();
      case LimitRefusal.OtherQuota(var name, var retryAfter) -> otherQuota(name, retryAfter);
      case LimitRefusal.Acceleration(var retryAfter) -> {
        log.warn(
            "account {} of {}: its use grows too fast", Failure.accountOf(lease), route.name());
        yield limited(retryAfter);
      }
      case LimitRefusal.Spend(Instant until) ->
          stopped(QuarantineReason.spent(until), answer, text);
      case LimitRefusal.Quota() -> stopped(QuarantineReason.quota(), answer, text);
    };
  }

  private Failure stopped(String reason, ProviderReply answer, String text) {
    return Failure.Stopped.of(Failure.Stopped.Kind.MONEY, reason, plan, lease, api, answer, text);
  }

  /** A refusal of the class, unless the account serves others of the class now. */
  private Failure rate(Duration retryAfter) {
    if (!plan.counted()) {
      return limited(retryAfter);
    }
    String client = record.clientName();
    Refusals refusals = route.refusals();
    String model = plan.upstreamModel();
    List<Refusals.Event> before =
        refusals.refused(lease.group(), RefusalRule.rate(), model, client).join();
    Scope scope = Scope.ofModel(lease.group(), model);
    return switch (RefusalRule.limit(new Case(RefusalRule.rate(), model, client), before)) {
      case CLASS -> limited(retryAfter);
      case MODEL -> refuse(scope, retryAfter);
      case CLIENT -> refuse(scope.of(client), retryAfter);
    };
  }

  /** Smaller requests for the model go on. */
  private Failure largeRequest(Duration retryAfter) {
    return plan.counted()
        ? refuse(
            Scope.ofModel(lease.group(), plan.upstreamModel()).from(plan.request().inputBytes()),
            retryAfter)
        : limited(retryAfter);
  }

  private Failure refuse(Scope scope, Duration retryAfter) {
    route.refusals().refuse(scope, retryAfter).join();
    return new Failure.RateLimited();
  }

  /**
   * Too many requests at once, and no time is stated: the account can serve again as soon as one
   * ends. The limit of a minute is not reached, so the burst stays.
   */
  private Failure concurrency() {
    if (!plan.counted() || !route.pool().runsBeside(lease)) {
      return limited(Duration.ZERO);
    }
    route.pool().coolGroup(lease.group(), UNTIL_ONE_ENDS);
    return new Failure.RateLimited();
  }

  /** Only that quota of the account cools down, and no burst was too large. */
  private Failure otherQuota(String name, Duration retryAfter) {
    return plan.counted() && plan.coolTier(Failure.accountOf(lease), name, retryAfter)
        ? new Failure.RateLimited()
        : limited(retryAfter);
  }

  private Failure limited(Duration retryAfter) {
    if (!plan.counted()) {
      // Providers have separate limits for requests that do not count against the group's.
      return new Failure.UncountedLimit(
          retryAfter.isPositive() ? retryAfter : Duration.ofSeconds(1));
    }
    route.pool().refused(lease, retryAfter);
    return new Failure.RateLimited();
  }
}
