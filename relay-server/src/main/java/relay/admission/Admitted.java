package relay.admission;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.metrics.Meters;
import relay.model.TokenUsage;
import relay.pool.QuarantineReason;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.Remaining;
import relay.stream.StateIds;
import relay.trace.RequestTrace;
import relay.upstream.ProviderApi;
import relay.upstream.ProviderReply;
import relay.upstream.RateLimitHeaders;

/**
 * A request that may be sent once, by the key of its lease. Applies what the provider answers to
 * the key, its quota group, its account, the provider and the client. One thread at a time uses it.
 */
public final class Admitted implements AutoCloseable {
  /** Most bytes that are kept of an error. */
  private static final int ERROR_BYTES = 64 * 1024;

  private final RequestRecord record;
  private final Meters meters;
  private final ClientQuota quota;
  private final RequestPlan plan;
  private final Route route;
  private final Passage passage;
  private final Stops stops;
  private final Supplier<Expected> expected;
  private final Lease lease;
  private final ProviderApi api;
  private final int number;
  private @Nullable OutputReports reports;
  private long reservedTokens;
  private boolean begun;
  private boolean ended;

  /**
   * @param passage the breaker's permission
   * @param stops the accounts that refused the request before
   * @param expected what it is expected to use
   * @param number which attempt of its request it is
   */
  Admitted(
      RequestRecord record,
      ClientQuota quota,
      RequestPlan plan,
      Passage passage,
      Stops stops,
      Supplier<Expected> expected,
      Lease lease,
      ProviderApi api,
      int number) {
    this.record = record;
    this.meters = record.meters();
    this.quota = quota;
    this.plan = plan;
    this.route = plan.route();
    this.passage = passage;
    this.stops = stops;
    this.expected = expected;
    this.lease = lease;
    this.api = api;
    this.number = number;
  }

  /** The key's capacity that it has. */
  public Lease lease() {
    return lease;
  }

  /** The request as the lease's provider gets it. */
  public RequestPlan plan() {
    return plan;
  }

  /** The provider's API, with the lease's key. */
  public ProviderApi api() {
    return api;
  }

  /** Which attempt of its request it is, from 1. */
  public int number() {
    return number;
  }

  /** From now on it may be sent, so its lease may be charged. */
  public void begin() {
    quota.carriedBy(lease, expected);
    begun = true;
    reservedTokens = lease.inputTokens() + lease.outputTokens();
    meters.reserve(reservedTokens);
    meters.attempt();
    meters.granted(route.name(), lease.key());
  }

  /** Nothing was sent. */
  public void cancel() {
    lease.cancel();
  }

  /** It ended without an answer, for a reason in one word. */
  public void unanswered(String why) {
    meters.upstreamResponse(route.name(), lease.key(), 0);
    meters.unanswered(route.name(), why);
    trace(why);
  }

  /** Nothing that happened to it is the provider's fault. */
  public void abandoned() {
    route.breaker().abandoned(passage);
  }

  /** There was no connection. */
  public void unreachable() {
    plan.unreachable(passage);
  }

  /** The provider failed. A failure of an unknown path does not prove a failing provider. */
  public void failed() {
    if (plan.unread()) {
      abandoned();
    } else {
      plan.failed(passage, record.clientName());
    }
  }

  /** An answer that had counted as a success was not completed, for a reason in one word. */
  public void brokeOff(String why) {
    plan.failed(new Passage.Free(), record.clientName());
    meters.brokenOff(route.name(), why);
    trace(why);
  }

  private void trace(String failure) {
    RequestTrace trace = record.trace();
    if (trace != null) {
      trace.failed(failure);
    }
  }

  /**
   * The provider answered: cools down, quarantines, learns. Blocks at an error until its body has
   * come.
   *
   * @return null if the answer is the client's: then its end {@linkplain #settle settles} the lease
   */
  public @Nullable Failure answered(ProviderReply reply) {
    meters.upstreamResponse(route.name(), lease.key(), reply.status());
    RequestTrace trace = record.trace();
    if (trace != null) {
      trace.answered(reply.status());
    }
    observed(reply);
    return switch (isTierRefused(reply) ? 429 : reply.status()) {
      case 500, 502, 503, 504, 529 -> {
        failed();
        Failure failure = Failure.ProviderFailed.of(reply, ERROR_BYTES, route.name(), lease.key());
        refused();
        yield failure;
      }
      case 429 -> {
        succeeded();
        refused();
        yield new LimitedAttempt(record, plan, lease, api).refused(reply, ERROR_BYTES);
      }
      case 403 -> {
        succeeded();
        refused();
        yield stopped(Failure.Stopped.Kind.KEY, QuarantineReason.refused(403), reply);
      }
      case 401 -> {
        succeeded();
        refused();
        if (!plan.unread()) {
          // A good key may lack rights on some path below /v1/: one client's request must not
          // quarantine it for the others.
          var _ = Stops.quarantine(meters, route, lease.key(), api, QuarantineReason.refused(401));
        }
        yield new Failure.KeyRefused();
      }
      default -> {
        succeeded();
        if (isSpendLimit(reply)) {
          refused();
          meters.limitRefusal(route.name(), "spend");
          yield stopped(Failure.Stopped.Kind.MONEY, QuarantineReason.spendLimit(), reply);
        }
        if (reply.status() < 300) {
          served();
        }
        yield null;
      }
    };
  }

  /** Learns the account's limits and organisation from an answer's header lines. */
  public void observed(ProviderReply reply) {
    NamedOrganization.learn(route, lease.key(), reply);
    if (plan.learnsLimits()) {
      RateLimitHeaders all = RateLimitHeaders.read(reply::forEachHeader);
      RateLimitHeaders said = api.config().api().countsByMinute() ? all : all.withoutRequests();
      // After a refusal the cooldown replaces the remaining counts.
      Remaining left = reply.status() == 429 ? Remaining.NONE : said.remaining();
      route
          .pool()
          .observe(lease, said.limits(), left, () -> RateLimitHeaders.refill(reply::forEachHeader));
    }
  }

  void succeeded() {
    plan.succeeded(passage, record.clientName());
  }

  /** The provider refused it: that costs a request, and no tokens. */
  private void refused() {
    lease.settle(0, 0);
  }

  /** Groq's own status for a tier without capacity: "Flex Processing", console.groq.com. */
  private boolean isTierRefused(ProviderReply reply) {
    return reply.status() == 498 && plan.namesTier();
  }

  private boolean isSpendLimit(ProviderReply reply) {
    return !plan.unread()
        && (reply.status() == 402
            || (reply.status() == 400 && LimitRefusal.isSpendLimit(reply, ERROR_BYTES)));
  }

  private Failure stopped(Failure.Stopped.Kind kind, String reason, ProviderReply reply) {
    String text =
        LimitRefusal.words(reply.header("content-encoding"), reply.readAtMost(ERROR_BYTES));
    return Failure.Stopped.of(kind, reason, plan, lease, api, reply, text);
  }

  /** The account serves such requests. */
  void served() {
    stops.served();
    if (!plan.unread()) {
      route.refusals().served(lease.group(), plan.upstreamModel(), record.clientName());
    }
  }

  /**
   * The answer is a stream, whose bytes show its output. The output counts in the client's limits
   * and budgets while it runs; and in the key's, where output counts as it is made.
   *
   * @param overBudget called from any thread when a hard budget is spent
   */
  public OutputReports streams(Runnable overBudget) {
    OutputReports made = OutputReports.of(plan);
    reports = made;
    if (plan.counting().countsAsMade()) {
      lease.reports(made);
    }
    quota.streams(lease, plan.counting(), made::made, overBudget);
    return made;
  }

  /** Its answer was an error that costs nothing. */
  public void settleError() {
    if (plan.counted()) {
      refused();
    }
  }

  /** Its answer has ended. To be called before the client sees that. */
  public void settle(ReportedUsage told) {
    if (!plan.counted()) {
      return;
    }
    long made = reports == null ? 0 : reports.made();
    Charge charge = Charge.seen(plan, told, lease, made);
    lease.settle(charge.inputTokens(), charge.outputTokens());
    quota.answered(lease, told, made);
    quota.end(); // before the client sees the end and sends more
    used(told);
    if (told.cut() && !told.complete()) { // what was reported so far is only the beginning
      record.charged(charge.inputTokens(), charge.outputTokens());
    }
  }

  /** Counts what was used, and learns from it. */
  void used(ReportedUsage told) {
    TokenUsage usage = told.tokens();
    if (usage == null) {
      return;
    }
    record.tokens(usage);
    meters.tokens(route.name(), lease.key(), plan.request().model(), usage);
    meters.clients().used(plan.served(record.clientName()), usage);
    if (told.complete()) {
      if (reports != null) {
        reports.ended(usage.outputTokens());
      }
      learn(plan.counting().inputAtStart(usage), usage.outputTokens());
    }
  }

  /**
   * Learns from the input that counted at the start, but from the produced output: a charge may be
   * the client's bound.
   */
  private void learn(long inputTokens, long outputTokens) {
    int requests = plan.request().requests();
    route
        .pool()
        .estimates()
        .learn(
            plan.upstreamModel(),
            plan.request().inputBytes() / requests,
            inputTokens / requests,
            outputTokens / requests);
    meters.estimateError("input", lease.inputTokens(), inputTokens);
    meters.estimateError("output", lease.outputTokens(), outputTokens);
  }

  /**
   * Remembers that the lease's account made what an answer names, and that it knows what the
   * request named.
   *
   * @return completes when Redis has it, or cannot be asked
   */
  public CompletableFuture<?> pin(@Nullable StateIds answered) {
    return NamedStates.pin(route, record.clientName(), lease, plan.request().states(), answered);
  }

  /** What outlives the request, if it is {@linkplain #handOver handed over}. */
  public BackgroundLease outliving() {
    return new BackgroundLease(
        lease,
        quota,
        plan.counting(),
        plan.request().maxOutputTokens(),
        plan.served(record.clientName()),
        meters);
  }

  /** From now on the lease and the client's quota end by their references, at any replica. */
  public LeaseGrant leaveOpen() {
    ended = true;
    meters.release(reservedTokens);
    boolean isTrial = passage instanceof Passage.Trial;
    return new LeaseGrant(route.name(), LeaseRef.of(lease), quota.leaveOpen(), isTrial);
  }

  /** From now on {@link #outliving} has the lease and the client's quota, and must end them. */
  public void handOver() {
    quota.runsOn();
    ended = true;
    meters.release(reservedTokens);
  }

  /**
   * Ends the lease, if nothing has yet: it is charged what it reserved if it may have been sent,
   * and cancelled otherwise.
   */
  @Override
  public void close() {
    if (ended) {
      return;
    }
    ended = true;
    try {
      if (begun) {
        lease.close();
      } else {
        lease.cancel();
      }
    } finally {
      meters.release(reservedTokens);
    }
  }
}
