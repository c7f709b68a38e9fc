package relay.pipeline;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import relay.pipeline.RetryPolicy.Decision;
import relay.pipeline.RouteAttempts.Candidate;
import relay.pipeline.RouteAttempts.Parked;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;
import relay.trace.RequestTrace;

/**
 * The attempts of a request: one provider after the other, each attempt with a lease of its own,
 * until one gets an answer or no more are allowed. Blocking code for a virtual thread.
 */
final class AttemptLoop {
  private final RequestContext request;
  private final Cancellation cancellation;
  private final RequestResources resources;
  private final RouteAttempts routes;
  private final @Nullable RequestTrace trace;
  private Candidate candidate;
  private ClientQuota.@Nullable Refusal quotaRefusal; // then no provider may be asked
  private long askedNanos; // when the last question for a key left; for the trace

  AttemptLoop(
      RequestContext request, RequestResources resources, RouteAttempts routes, Candidate first) {
    this.request = request;
    this.cancellation = request.cancellation();
    this.resources = resources;
    this.routes = routes;
    this.trace = request.trace();
    candidate = first;
  }

  /** Runs the request to its end, or until another thread continues it. */
  void run() {
    boolean leased = acquireFirst() || acquireElsewhere();
    while (leased) {
      String key = resources.lease().key();
      int number = routes.attempt(candidate, key);
      request.record().attempt(number, key);
      Failure failure = new ProviderAttempt(request, resources, candidate, number).make();
      if (failure == null) {
        return;
      }
      if (trace != null) {
        trace.attemptEnded();
      }
      routes.verdict().attemptFailed(failure);
      if (failure instanceof Failure.Stopped stop
          && routes.stops().refused(candidate.plan(), stop)) {
        routes.verdict().isOfRequest();
        break;
      }
      leased = acquireAfter(failure);
    }
    if (routes.stops().isStateOfOne()) {
      routes.verdict().isOfAccount();
    }
    waitNowhereElse();
    if (cancellation.isCancelled()) {
      request.answer().cancelled();
    } else if (quotaRefusal != null) {
      request.meters().clients().denied(request.record().clientName(), quotaRefusal.reason());
      request.answer().refuse(quotaRefusal.error());
    } else {
      request.answer().verdict(routes.verdict().outcome(routes.parsed().dialect()));
    }
  }

  /** Acquires a lease for a further attempt, here or at another provider. */
  private boolean acquireAfter(Failure failure) {
    RetryPolicy policy =
        new RetryPolicy(
            candidate.route().api().config().maxAttempts(), ThreadLocalRandom.current());
    Decision decision = policy.after(failure, candidate.attempts(), request.timeLeft());
    if (failure instanceof Failure.RateLimited) {
      candidate.limited();
    }
    boolean unsafe = failure.mayHaveBeenProcessed() && !routes.parsed().repeatable();
    if (cancellation.isCancelled() || unsafe || routes.parsed().body().isSpent()) {
      return false;
    }
    if (decision instanceof Decision.Again(Duration pause)) {
      return acquireAgain(pause) || (!cancellation.isCancelled() && acquireElsewhere());
    }
    if (failure instanceof Failure.RateLimited) {
      findRetryTime();
    }
    return !(decision instanceof Decision.TooLate) && acquireElsewhere();
  }

  private boolean acquireAgain(Duration pause) {
    if (pause.isPositive()) {
      LockSupport.parkNanos(pause.toNanos());
    }
    if (cancellation.isCancelled() || !routes.enterAgain(candidate)) {
      return false;
    }
    return isGranted(await(candidate.acquire()));
  }

  /** Acquires a lease of the first of the next providers that grants one, or waits for one. */
  private boolean acquireElsewhere() {
    while (!cancellation.isCancelled() && quotaRefusal == null) {
      Candidate next = routes.next();
      if (next == null) {
        return acquireWhereItWaits();
      }
      candidate = next;
      if (acquireFirst()) {
        return true;
      }
    }
    return false;
  }

  /** No other provider grants a lease now: waits where capacity returns first, and only there. */
  private boolean acquireWhereItWaits() {
    Parked first = routes.firstParked();
    if (first == null) {
      return false;
    }
    waitNowhereElse();
    candidate = first.candidate();
    request.record().target(candidate.route().name(), routes.parsed().facts().model());
    resources.takeUp(first.pending());
    expects(first.pending());
    return isGranted(await());
  }

  /** Leaves the lines of all other providers. */
  private void waitNowhereElse() {
    for (Parked other = routes.firstParked(); other != null; other = routes.firstParked()) {
      resources.giveUp(other.pending());
      other.candidate().release();
      if (!cancellation.isCancelled()) {
        count(other.candidate(), other.refusal());
      }
    }
  }

  /** Asks a provider's pool for the first time, and the client's quota unless it was granted. */
  private boolean acquireFirst() {
    request.record().target(candidate.route().name(), routes.parsed().facts().model());
    // Both questions leave before either is answered: one round trip. But a short pool keeps a
    // place for whom it refuses: not for a client that has been at its own limit.
    ClientQuota quota = resources.quota();
    boolean together = !quota.refusedLately() || !candidate.plan().isOfShortPool();
    quota.reserve(candidate.demand(), candidate::expected);
    if (together) {
      expect(candidate.acquire());
    } else {
      markAsked();
    }
    quotaRefusal = quota.await(routes.parsed().dialect());
    if (quotaRefusal == null) {
      return isGranted(together ? await() : await(candidate.acquire()));
    }
    traceAcquired("client_" + quotaRefusal.reason());
    candidate.release();
    resources.giveBackLease();
    return false;
  }

  private boolean isGranted(Acquisition acquisition) {
    Acquisition last = acquisition;
    while (last instanceof Granted) {
      String key = resources.lease().key();
      Acquisition refusal = candidate.refusal(resources.lease());
      if (refusal != null) {
        resources.giveBackLease(); // the request names what only this account has
        return denied(refusal);
      }
      if (candidate.route().api().having(key) != null) {
        shadowed();
        waitNowhereElse();
        return true;
      }
      // The configuration has changed since the question, and the key has gone: ask for another.
      resources.giveBackLease();
      last = candidate.avoid(key) ? await(candidate.acquire()) : new Unavailable();
    }
    return denied(last);
  }

  /** What shadow mode let pass is counted and logged. */
  private void shadowed() {
    Acquisition.Reason reason = resources.lease().wouldDeny();
    if (reason != null) {
      request.meters().wouldDeny("pool", candidate.route().name(), RefusalErrors.word(reason));
    }
    Acquisition.Reason ofClient = resources.quota().wouldDeny();
    if (ofClient != null) {
      request
          .meters()
          .wouldDeny(
              ofClient == Acquisition.Reason.BUDGET ? "budget" : "client",
              request.record().clientName(),
              RefusalErrors.word(ofClient));
    }
  }

  private boolean denied(Acquisition acquisition) {
    if (resources.expects() && acquisition instanceof Exhausted refusal) {
      routes.park(new Parked(candidate, resources.setAside(), refusal));
      return false;
    }
    candidate.release();
    if (cancellation.isCancelled()) {
      return false;
    }
    if (candidate.isLimited()) {
      findRetryTime(); // a key that was tried may be free before all others, or alone large enough
    } else {
      count(candidate, acquisition);
    }
    return false;
  }

  private void count(Candidate refusing, Acquisition acquisition) {
    request.meters().denied(refusing.route().name(), RefusalErrors.reason(acquisition));
    routes.verdict().poolRefused(acquisition);
  }

  /** No attempt follows here: asks the pool when a retry by the client would be granted. */
  private void findRetryTime() {
    Acquisition acquisition = await(candidate.acquireAny());
    if (acquisition instanceof Granted) {
      resources.giveBackLease();
      routes.verdict().keyIsFree();
    } else {
      count(candidate, acquisition);
    }
  }

  private Acquisition await(CompletableFuture<Acquisition> acquiring) {
    expect(acquiring);
    return await();
  }

  private void markAsked() {
    if (trace != null) {
      askedNanos = System.nanoTime();
    }
  }

  private void expect(CompletableFuture<Acquisition> acquiring) {
    resources.expect(acquiring);
    expects(acquiring);
  }

  private void expects(CompletableFuture<Acquisition> acquiring) {
    markAsked();
    cancellation.onCancel(() -> acquiring.cancel(false));
  }

  private Acquisition await() {
    long asked = System.nanoTime();
    Acquisition acquisition = routes.hasOthers() ? resources.awaitFirst() : resources.await();
    long waited = System.nanoTime() - asked;
    request.meters().acquired(waited);
    request.record().addWaitNanos(waited);
    routes.waited(waited);
    if (acquisition instanceof Granted && candidate.mayWait()) {
      request.meters().clients().waited(request.record().clientName(), waited);
    }
    traceAcquired(
        acquisition instanceof Granted ? RequestTrace.GRANTED : RefusalErrors.reason(acquisition));
    return acquisition;
  }

  private void traceAcquired(String outcome) {
    if (trace != null) {
      trace.acquired(candidate.route().name(), outcome, System.nanoTime() - askedNanos);
    }
  }
}
