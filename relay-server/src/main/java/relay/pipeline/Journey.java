package relay.pipeline;

import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.estimate.Estimator;
import relay.redis.Demand;
import relay.redis.ProviderBreaker.Passage;

/**
 * The providers that may carry a request, one after the other, and what came of it so far. Used by
 * one thread at a time.
 */
final class Journey {
  private final Iterator<Route> routes;
  private final Asked asked;
  private final Verdict verdict = new Verdict();
  private int attempts;

  Journey(List<Route> routes, Asked asked) {
    this.routes = routes.iterator();
    this.asked = asked;
  }

  /** One provider on the way: what is to be sent there, and which of its keys were tried. */
  static final class Leg {
    private final Plan plan;
    private final Demand demand;
    private final Set<String> tried = new HashSet<>();
    private Passage passage;
    private int attempts;

    private Leg(Plan plan, Demand demand, Passage passage) {
      this.plan = plan;
      this.demand = demand;
      this.passage = passage;
    }

    Plan plan() {
      return plan;
    }

    Route route() {
      return plan.route();
    }

    /** What to ask the pool for: a key that was not tried, if there is one. */
    Demand demand() {
      return tried.isEmpty() ? demand : demand.avoiding(tried);
    }

    /** The same without regard to what was tried. */
    Demand demandOfAny() {
      return demand;
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
    void unused() {
      route().breaker().unused(passage);
    }
  }

  Asked asked() {
    return asked;
  }

  Verdict verdict() {
    return verdict;
  }

  /** Attempts at all providers so far. */
  int attempts() {
    return attempts;
  }

  /** The next provider that may be asked; null if there is none. */
  @Nullable Leg next() {
    while (routes.hasNext()) {
      Route route = routes.next();
      Passage passage = passes(route);
      if (passage != null) {
        Plan plan = new Plan(route, asked);
        return new Leg(plan, demand(plan), passage);
      }
    }
    return null;
  }

  private Demand demand(Plan plan) {
    if (!plan.counted()) {
      return Demand.of(plan.modelClass(), 0, 0);
    }
    Estimator.Estimate estimate =
        Estimator.estimate(
            plan.route().pool().estimates(),
            asked.dialect(),
            plan.upstreamModel(),
            asked.facts().inputBytes(),
            asked.maxOutputTokens());
    return Demand.of(plan.modelClass(), estimate.inputTokens(), estimate.outputTokens());
  }

  /** Whether a further attempt may be made at the same provider. */
  boolean again(Leg leg) {
    Passage passage = passes(leg.route());
    if (passage == null) {
      return false;
    }
    leg.passage = passage;
    return true;
  }

  private @Nullable Passage passes(Route route) {
    return switch (route.breaker().enter()) {
      case Passage.Barred(var retryAfter) -> {
        verdict.barred(retryAfter);
        yield null;
      }
      case Passage.Free free -> free;
      case Passage.Trial trial -> trial;
    };
  }

  /** An attempt begins, on this key; its number among all. */
  int attempt(Leg leg, String key) {
    leg.tried.add(key);
    leg.attempts++;
    return ++attempts;
  }
}
