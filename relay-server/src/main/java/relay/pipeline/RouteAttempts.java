package relay.pipeline;

import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.estimate.Estimator;
import relay.redis.Acquisition;
import relay.redis.Demand;
import relay.redis.ProviderBreaker.Passage;

/**
 * The providers that may carry a request, one after the other, and what came of it so far. Used by
 * one thread at a time.
 */
final class RouteAttempts {
  private final Iterator<Route> routes;
  private final ParsedRequest parsed;
  private final Verdict verdict = new Verdict();
  private int attempts;

  RouteAttempts(List<Route> routes, ParsedRequest parsed) {
    this.routes = routes.iterator();
    this.parsed = parsed;
  }

  /** One provider on the way: what is to be sent there, and which of its keys were tried. */
  static final class Candidate {
    private final RequestPlan plan;
    private final Demand demand;
    private final boolean last;
    private final Set<String> tried = new HashSet<>();
    private Passage passage;
    private int attempts;

    private Candidate(RequestPlan plan, Demand demand, Passage passage, boolean last) {
      this.plan = plan;
      this.demand = demand;
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
     * Asks for a key, one that was not tried if there is one. It may be held for capacity, unless
     * another provider can be parsed instead.
     */
    CompletableFuture<Acquisition> acquire() {
      return plan.acquire(tried.isEmpty() ? demand : demand.avoiding(tried), last);
    }

    /** Asks for a key, without regard to what was tried, and at once. */
    CompletableFuture<Acquisition> acquireAny() {
      return plan.acquire(demand, false);
    }

    /** What it needs of a key there. */
    Demand demand() {
      return demand;
    }

    /** Asks for this key no more. False if that was so. */
    boolean avoid(String key) {
      return tried.add(key);
    }

    /** By which the breaker let the next attempt pass. */
    Passage passage() {
      return passage;
    }

    /** Attempts here so far. */
    int attempts() {
      return attempts;
    }

    /** Nothing is sent after all. */
    void release() {
      route().breaker().unused(passage);
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

  /** The next provider that may be parsed; null if there is none. */
  @Nullable Candidate next() {
    while (routes.hasNext()) {
      Route route = routes.next();
      Passage passage = enter(route);
      if (passage != null) {
        RequestPlan plan = new RequestPlan(route, parsed);
        return new Candidate(plan, demand(plan), passage, !routes.hasNext());
      }
    }
    return null;
  }

  private Demand demand(RequestPlan plan) {
    if (!plan.counted()) {
      return plan.demand(0, 0);
    }
    Estimator.Estimate estimate =
        Estimator.estimate(
            plan.route().pool().estimates(),
            parsed.dialect(),
            plan.upstreamModel(),
            parsed.facts().inputBytes(),
            parsed.maxOutputTokens());
    return plan.demand(estimate.inputTokens(), estimate.outputTokens());
  }

  /** Whether a further attempt may be made at the same provider. */
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
      case Passage.Barred(var retryAfter) -> {
        verdict.breakerOpen(retryAfter);
        yield null;
      }
      case Passage.Free free -> free;
      case Passage.Trial trial -> trial;
    };
  }

  /** An attempt begins, on this key; its number among all. */
  int attempt(Candidate candidate, String key) {
    candidate.tried.add(key);
    candidate.attempts++;
    return ++attempts;
  }
}
