package relay.admission;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.admission.LeaseSearch.Outcome.OutOfQuota;
import relay.model.Counting;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.model.TokenUsage;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Dimension;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;

/**
 * A request's share of its client's own limits. It is reserved once, for all providers and keys,
 * and settled with the sum of what the attempts were charged. For a client without limits the usage
 * is only counted. Used by one thread at a time; but the response of a request that has ended may
 * run on in the background, and its end comes from another.
 */
public final class ClientQuota {
  /** For a request that counts against no limit. */
  public static final ClientQuota NONE = new ClientQuota(null, null, "", null, Map.of());

  private static final Duration LATELY = Duration.ofSeconds(10);

  private final @Nullable KeyPool pool;
  private final @Nullable UsageTally tally;
  private final String client;
  private final @Nullable Spending spending;
  private final Map<String, Long> refused;
  private final List<Lease> carriers = new ArrayList<>(1);
  private @Nullable Question asked; // until it is awaited
  private @Nullable Lease own;
  private Acquisition.@Nullable Reason wouldDeny;
  private Acquisition.@Nullable Reason exhausted;
  private boolean began;
  private boolean ended;

  private record Question(Demand demand, CompletableFuture<Acquisition> answer) {}

  private ClientQuota(
      @Nullable KeyPool pool,
      @Nullable UsageTally tally,
      String client,
      @Nullable Spending spending,
      Map<String, Long> refused) {
    this.pool = pool;
    this.tally = tally;
    this.client = client;
    this.spending = spending;
    this.refused = refused;
  }

  /**
   * @param spending null if the client has no budget in dollars
   * @param refused when clients' own limits last refused a request, by {@link System#nanoTime}
   */
  static ClientQuota of(
      KeyPool pool, String client, @Nullable Spending spending, Map<String, Long> refused) {
    return new ClientQuota(pool, null, client, spending, refused);
  }

  static ClientQuota unlimited(UsageTally tally, String client) {
    return new ClientQuota(null, tally, client, null, Map.of());
  }

  /**
   * The quota of what was reserved before.
   *
   * @param reserved of the client's limits
   */
  static ClientQuota again(
      KeyPool pool, String client, @Nullable Spending spending, Lease reserved) {
    ClientQuota quota = of(pool, client, spending, Map.of());
    quota.own = reserved;
    return quota;
  }

  /**
   * Begins to reserve the client's quota, once per request. Does not wait: a provider's key that is
   * asked for now travels to Redis in the same round trip.
   *
   * @param expected is asked only for clients with a budget in dollars
   */
  void reserve(LeaseRequest request, Demand wanted, Supplier<Expected> expected) {
    if (tally != null && !began) {
      began = true;
      tally.began(client);
    }
    if (pool == null || own != null) {
      return;
    }
    Demand demand =
        Demand.of(
                pool.plan().modelClasses().getFirst(), wanted.inputTokens(), wanted.outputTokens())
            .on(client)
            .costing(spending == null ? 0 : spending.of(expected.get()));
    asked = new Question(demand, pool.acquire(request.asked(demand)));
  }

  /** Whether the client's own limits refused a request of late, as they are likely to again. */
  boolean refusedLately() {
    Long at = refused.get(client);
    return at != null && System.nanoTime() - at < LATELY.toNanos();
  }

  /** Waits for the reservation. Null when the request may pass. */
  @Nullable OutOfQuota await(Dialect dialect) {
    Question question = asked;
    if (pool == null || question == null) {
      return null;
    }
    Acquisition acquisition = question.answer().join();
    if (acquisition instanceof Granted(Lease lease)) {
      own = lease;
      wouldDeny = lease.wouldDeny();
    }
    if (acquisition instanceof Exhausted e) {
      exhausted = e.reason();
    }
    asked = null;
    if (own != null || (acquisition instanceof NoneUsable && isGone(pool.plan()))) {
      return null;
    }
    refused.put(client, System.nanoTime());
    return new OutOfQuota(
        RefusalErrors.reason(acquisition), refusal(pool, question.demand(), acquisition, dialect));
  }

  /** Why the client's limits would have refused it, were they enforced; once, then null. */
  Acquisition.@Nullable Reason wouldDeny() {
    Acquisition.Reason reason = wouldDeny;
    wouldDeny = null;
    return reason;
  }

  /** The client's own limit that refuses the request; null if none does. */
  public Acquisition.@Nullable Reason exhausted() {
    return exhausted;
  }

  /** Whether the client's limits went with a change of configuration since the request began. */
  private boolean isGone(PoolPlan plan) {
    return plan.keys().stream().noneMatch(key -> key.id().equals(client));
  }

  private RelayError refusal(
      KeyPool limits, Demand demand, Acquisition acquisition, Dialect dialect) {
    return switch (acquisition) {
      case Exhausted e ->
          RelayError.rateLimited(
              "client %s is at its own limit (%s), which is not the providers': retry after the time given"
                  .formatted(client, limit(limits.plan(), e.reason())),
              e.retryAfter());
      case Impossible i ->
          RelayError.invalid(
              "the request is larger than the whole %s limit of %d of client %s"
                  .formatted(i.reason().label(), i.limit(), client));
      case OverBudget over ->
          RelayError.overBudget(
              dialect, BudgetText.refusal(client, budgets(limits), over, demand, Instant.now()));
      case Granted _, NoneUsable _, Overloaded _, Unavailable _ ->
          RefusalErrors.of(acquisition, dialect);
    };
  }

  private List<Budget> budgets(KeyPool limits) {
    return limits.named().spent(client).stream().map(Budget.Spent::budget).toList();
  }

  /** The exceeded limit, in the words of its setting. */
  private String limit(PoolPlan plan, Acquisition.Reason reason) {
    return switch (reason) {
      case REQUESTS -> limit(plan, Dimension.REQUESTS);
      case INPUT_TOKENS -> limit(plan, Dimension.INPUT_TOKENS);
      case OUTPUT_TOKENS -> limit(plan, Dimension.OUTPUT_TOKENS);
      case TOTAL_TOKENS -> limit(plan, Dimension.TOTAL_TOKENS);
      case CONCURRENCY ->
          "max_concurrent "
              + plan.keys().stream()
                  .filter(key -> key.id().equals(client))
                  .mapToInt(key -> key.maxConcurrent())
                  .sum();
      case COOLDOWN, BUDGET, REQUESTS_A_DAY, TOKENS_A_DAY, OPEN_LEASES -> reason.label();
    };
  }

  private String limit(PoolPlan plan, Dimension dimension) {
    return dimension.label()
        + "_limit "
        + plan.limitsOf(PoolPlan.group(client, plan.modelClasses().getFirst())).of(dimension)
        + " a minute";
  }

  /** Adds the charge of an attempt's lease to this quota. */
  void carriedBy(Lease lease, Supplier<Expected> expected) {
    if (own != null || began) {
      carriers.add(lease);
      if (spending != null) {
        spending.began(lease, expected.get());
      }
    }
  }

  /**
   * An attempt's answer is a stream: what it makes counts in the client's limits and budgets while
   * it runs, every few seconds.
   *
   * @param made its output tokens so far, from any thread
   * @param overBudget called from any thread when a hard budget is spent
   */
  void streams(Lease attempt, Counting counting, LongSupplier made, Runnable overBudget) {
    Lease reserved = own;
    if (reserved == null) {
      return;
    }
    long before = 0; // what earlier attempts were charged
    long spent = 0;
    for (Lease carrier : carriers) {
      Usage charged = carrier.charged();
      if (charged != null) {
        before += charged.outputTokens();
        spent += spending == null ? 0 : spending.cost(carrier, charged);
      }
    }
    long output = before;
    long nanodollars = spent;
    LongUnaryOperator cost = spending == null ? tokens -> 0 : spending.running(attempt);
    reserved.reportsMade(
        () -> {
          long tokens = made.getAsLong();
          return new Lease.Made(
              output + counting.weights().output(tokens), nanodollars + cost.applyAsLong(tokens));
        },
        overBudget);
  }

  /**
   * An attempt's answer has ended.
   *
   * @param made its output by the bytes of a stream; 0 if unknown
   */
  void answered(Lease lease, ReportedUsage told, long made) {
    if (spending != null) {
      spending.answered(lease, told, made);
    }
  }

  /** The response runs on in the background: what it makes is not seen. */
  void runsOn() {
    if (own != null) {
      own.reportsNoMore();
    }
  }

  /**
   * What was reserved ends by its reference from now on.
   *
   * @return null if nothing was reserved of the client's limits
   */
  @Nullable LeaseRef leaveOpen() {
    ended = true;
    if (tally != null && began) {
      tally.ended(client, Usage.NONE); // it counts when it ends
    }
    return own == null ? null : LeaseRef.of(own);
  }

  /** What an attempt costs by now, in billionths of a dollar. */
  long costSoFar(Lease attempt, long outputTokens) {
    return spending == null ? 0 : spending.running(attempt).applyAsLong(outputTokens);
  }

  /** What a response that ran on in the background has used. */
  synchronized void used(Lease attempt, TokenUsage usage) {
    if (spending != null) {
      spending.used(attempt, usage);
    }
  }

  /**
   * Settles the quota with the charges of all attempts. Does nothing while an attempt's lease
   * lives. To be called before the client sees the end of its answer and sends its next request.
   */
  public synchronized void end() {
    if (asked != null) {
      var _ = asked.answer().thenAccept(KeyQuestions::giveBack);
      asked = null;
    }
    if (ended || (own == null && !began)) {
      return;
    }
    Usage all = Usage.NONE;
    long nanodollars = 0;
    for (Lease carrier : carriers) {
      Usage charged = carrier.charged();
      if (charged == null) {
        return;
      }
      all = all.plus(charged);
      nanodollars += spending == null ? 0 : spending.cost(carrier, charged);
    }
    ended = true;
    if (tally != null) {
      tally.ended(client, all.requests() == 0 ? Usage.NONE : once(all));
    } else if (own != null && all.requests() == 0) {
      own.cancel(); // nothing was sent
    } else if (own != null) {
      own.settle(all.inputTokens(), all.outputTokens(), nanodollars);
    }
  }

  private static Usage once(Usage all) {
    return new Usage(1, all.inputTokens(), all.outputTokens());
  }
}
