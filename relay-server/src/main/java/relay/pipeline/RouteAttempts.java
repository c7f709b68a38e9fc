package relay.pipeline;

import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.estimate.Estimator;
import relay.model.TokenUsage;
import relay.redis.Acquisition;
import relay.redis.Demand;
import relay.redis.ProviderBreaker.Passage;

/**
 * Walks over the providers of a request, and collects the results of its attempts. Used by one
 * thread at a time.
 */
final class RouteAttempts {
  private final Iterator<Route> routes;
  private final ParsedRequest parsed;
  private final Claim claim;
  private final Verdict verdict = new Verdict();
  private int attempts;

  RouteAttempts(List<Route> routes, ParsedRequest parsed, Claim claim) {
    this.claim = claim;
    this.routes = routes.iterator();
    this.parsed = parsed;
  }

  /**
   * A provider that the breaker lets the request enter: the request's plan there, and the keys
   * tried.
   */
  static final class Candidate {
    private final RequestPlan plan;
    private final Demand demand;
    private final Expected expected;
    private final boolean last;
    private final Set<String> tried = new HashSet<>();
    private Passage passage;
    private int attempts;

    private Candidate(
        RequestPlan plan, Demand demand, Expected expected, Passage passage, boolean last) {
      this.plan = plan;
      this.demand = demand;
      this.expected = expected;
      this.last = last;
      this.passage = passage;
    }

    RequestPlan plan() {
      return plan;
    }

    Route route() {
      return plan.route();
    }

    /**
     * Acquires a key, an untried one if possible. At the last provider the request may wait for
     * capacity.
     */
    CompletableFuture<Acquisition> acquire() {
      return plan.acquire(tried.isEmpty() ? demand : demand.avoiding(tried), last);
    }

    /**
     * Acquires any key, tried or not, without waiting for capacity. It takes no place in the order:
     * the request has one, or is only to be told a time.
     */
    CompletableFuture<Acquisition> acquireAny() {
      return plan.acquire(demand.sharing(null), false);
    }

    /** The demand on a key of this provider. */
    Demand demand() {
      return demand;
    }

    /** What an attempt at this provider is expected to use. */
    Expected expected() {
      return expected;
    }

    /** Asks for this key no more. False if that was so. */
    boolean avoid(String key) {
      return tried.add(key);
    }

    /** The breaker's permission for the next attempt. */
    Passage passage() {
      return passage;
    }

    /** Attempts at this provider so far. */
    int attempts() {
      return attempts;
    }

    /** Gives the breaker's permission back: nothing is sent. */
    void release() {
      route().breaker().abandoned(passage);
    }
  }

  ParsedRequest parsed() {
    return parsed;
  }

  Verdict verdict() {
    return verdict;
  }

  /** Attempts at all providers so far. */
  int attempts() {
    return attempts;
  }

  /** The next provider that its breaker lets us enter; null if there is none. */
  @Nullable Candidate next() {
    while (routes.hasNext()) {
      Route route = routes.next();
      Passage passage = enter(route);
      if (passage != null) {
        RequestPlan plan = new RequestPlan(route, parsed);
        return new Candidate(plan, demand(plan), expected(plan), passage, !routes.hasNext());
      }
    }
    return null;
  }

  private Demand demand(RequestPlan plan) {
    if (!plan.counted()) {
      return plan.uncountedDemand();
    }
    Estimator.Estimate estimate =
        Estimator.estimate(
            plan.route().pool().estimates(),
            plan.counting(),
            plan.upstreamModel(),
            parsed.facts().inputBytes(),
            parsed.maxOutputTokens());
    return plan.demand(estimate, claim);
  }

  private Expected expected(RequestPlan plan) {
    TokenUsage tokens =
        plan.counted()
            ? Estimator.expected(
                plan.route().pool().estimates(),
                plan.counting(),
                plan.upstreamModel(),
                parsed.facts().inputBytes(),
                parsed.maxOutputTokens())
            : TokenUsage.NONE;
    return new Expected(plan.upstreamModel(), tokens);
  }

  /** Asks the breaker for a further attempt at the same provider. */
  boolean enterAgain(Candidate candidate) {
    Passage passage = enter(candidate.route());
    if (passage == null) {
      return false;
    }
    candidate.passage = passage;
    return true;
  }

  private @Nullable Passage enter(Route route) {
    return switch (route.breaker().enter()) {
      case Passage.Refused(var retryAfter) -> {
        verdict.breakerOpen(retryAfter);
        yield null;
      }
      case Passage.Free free -> free;
      case Passage.Trial trial -> trial;
    };
  }

  /** Counts an attempt with this key. Returns its number in the request. */
  int attempt(Candidate candidate, String key) {
    candidate.tried.add(key);
    candidate.attempts++;
    return ++attempts;
  }
}
