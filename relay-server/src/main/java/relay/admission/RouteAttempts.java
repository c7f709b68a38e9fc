package relay.admission;

import static relay.redis.model.Acquisition.Reason.CONCURRENCY;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.estimate.Estimator;
import relay.model.TokenUsage;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.KeyRequest;
import relay.redis.model.Lease;
import relay.upstream.ProviderApi;

/**
 * Walks over the providers of a request, and collects the results of its attempts. Used by one
 * thread at a time.
 */
final class RouteAttempts {
  private final Iterator<Route> routes;
  private final LeaseRequest request;
  private final Claim claim;
  private final Stops stops;
  private final Verdict verdict = new Verdict();
  private final List<Parked> parked = new ArrayList<>();
  private long waitedNanos; // for keys, so far
  private int attempts;

  RouteAttempts(List<Route> routes, LeaseRequest request, Claim claim, Stops stops) {
    this.claim = claim;
    this.stops = stops;
    this.routes = routes.iterator();
    this.request = request;
  }

  /**
   * A provider at which the request waits for capacity while others are asked.
   *
   * @param refusal what it would have been told
   */
  record Parked(Candidate candidate, KeyRequest pending, Exhausted refusal) {}

  /**
   * A provider that the breaker lets the request enter: the request's plan there, and the keys
   * tried.
   */
  final class Candidate {
    private final RequestPlan plan;
    private final Demand demand;
    private final Set<String> tried = new HashSet<>(request.avoid());
    private Passage passage;
    private int attempts;
    private Set<String> barredThen = Set.of(); // when a key was asked for last
    private boolean limited;
    private @Nullable Expected expected; // computed when it is asked for

    private Candidate(RequestPlan plan, Demand demand, Passage passage) {
      this.plan = plan;
      this.demand = demand;
      this.passage = passage;
    }

    RequestPlan plan() {
      return plan;
    }

    Route route() {
      return plan.route();
    }

    /**
     * Acquires a key, an untried one if possible. The request may wait for capacity: for what is
     * left of the provider's time, since all attempts have one.
     */
    CompletableFuture<Acquisition> acquire() {
      Barred barred = barred();
      barredThen = barred.keys();
      if (barred.keys().isEmpty()) {
        Duration left = plan.maxWait().minusNanos(waitedNanos);
        return plan.acquire(tried.isEmpty() ? demand : demand.avoiding(tried), left);
      }
      Set<String> avoided = new HashSet<>(barred.keys());
      avoided.addAll(tried);
      return acquire(barred, barred.isAll(avoided) ? barred.keys() : avoided, demand);
    }

    /**
     * Does not wait in the pool's queue: the queue may grant any key of the class, also a barred
     * one.
     */
    private CompletableFuture<Acquisition> acquire(
        Barred barred, Set<String> avoided, Demand wanted) {
      CompletableFuture<Acquisition> answer = new CompletableFuture<>();
      if (barred.isAll(barred.keys())) {
        answer.complete(barred.refusal());
        return answer;
      }
      var _ =
          plan.acquire(wanted.avoiding(avoided), Duration.ZERO)
              .thenAccept(
                  elsewhere -> {
                    if (!answer.complete(barred.sooner(elsewhere))
                        && elsewhere instanceof Granted(Lease unwanted)) {
                      unwanted.cancel(); // the client has left
                    }
                  });
      return answer;
    }

    /** The keys that do not take the request now. */
    private Barred barred() {
      return Barred.of(plan, stops.keys(), claim.caller().name());
    }

    /** The request's result if this lease's key may not be used; null if it may. */
    @Nullable Acquisition refusal(Lease lease) {
      Barred barred = barred();
      return barred.keys().contains(lease.key()) ? barred.refusal() : null;
    }

    /** Whether a key was barred when a key was asked for last. */
    boolean wasBarred(String key) {
      return barredThen.contains(key);
    }

    /** Whether a request waits for capacity here. */
    boolean mayWait() {
      return plan.maxWait().isPositive();
    }

    /**
     * Acquires any key, tried or not, without waiting for capacity. It takes no place in the order:
     * the request has one, or is only to be told a time.
     */
    CompletableFuture<Acquisition> acquireAny() {
      Barred barred = barred();
      Demand any = demand.sharing(null);
      return barred.keys().isEmpty()
          ? plan.acquire(any, Duration.ZERO)
          : acquire(barred, barred.keys(), any);
    }

    /** The provider answered an attempt with 429. */
    void limited() {
      limited = true;
    }

    boolean isLimited() {
      return limited;
    }

    /** The demand on a key of this provider. */
    Demand demand() {
      return demand;
    }

    /** What an attempt at this provider is expected to use. Most clients have no use for it. */
    Expected expected() {
      Expected known = expected;
      if (known == null) {
        known = RouteAttempts.this.expected(plan);
        expected = known;
      }
      return known;
    }

    /** An attempt with this lease, the next one of the request. */
    Admitted admit(RequestRecord record, ClientQuota quota, Lease lease, ProviderApi api) {
      tried.add(lease.key());
      attempts++;
      int number = ++RouteAttempts.this.attempts;
      return new Admitted(record, quota, plan, passage, stops, this::expected, lease, api, number);
    }

    /** Excludes a key from later acquires. Returns false if it was excluded already. */
    boolean avoid(String key) {
      return tried.add(key);
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

  /** The accounts that refused the request. */
  Stops stops() {
    return stops;
  }

  Verdict verdict() {
    return verdict;
  }

  /** The next provider that its breaker lets us enter; null if there is none. */
  @Nullable Candidate next() {
    while (routes.hasNext()) {
      Route route = routes.next();
      Passage passage = enter(route);
      if (passage != null) {
        RequestPlan plan = new RequestPlan(route, request);
        return new Candidate(plan, demand(plan), passage);
      }
    }
    return null;
  }

  /** Whether another provider may serve the request: one that was not asked, or where it waits. */
  boolean hasOthers() {
    return routes.hasNext() || !parked.isEmpty();
  }

  /** The request has waited for a key. */
  void waited(long nanos) {
    waitedNanos += nanos;
  }

  /** The request waits there while others are asked. */
  void park(Parked there) {
    parked.add(there);
  }

  /**
   * Where the request waits and capacity returns first; null if nowhere. A known time comes before
   * the end of a running request, which is unknown.
   */
  @Nullable Parked firstParked() {
    Parked first =
        parked.stream()
            .min(
                Comparator.<Parked, Boolean>comparing(p -> p.refusal().reason() == CONCURRENCY)
                    .thenComparing(p -> p.refusal().retryAfter()))
            .orElse(null);
    if (first != null) {
      parked.remove(first);
    }
    return first;
  }

  private Demand demand(RequestPlan plan) {
    if (!plan.counted()) {
      return plan.uncountedDemand();
    }
    Estimator.Estimate estimate =
        Estimator.estimate(
            plan.route().pool().estimates(), plan.counting(), plan.upstreamModel(), request);
    return plan.demand(estimate, claim);
  }

  private Expected expected(RequestPlan plan) {
    TokenUsage tokens =
        plan.counted()
            ? Estimator.expected(
                plan.route().pool().estimates(), plan.counting(), plan.upstreamModel(), request)
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
}
