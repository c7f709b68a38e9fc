package relay.admission;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import relay.admission.RetryPolicy.Decision;
import relay.admission.RouteAttempts.Candidate;
import relay.admission.RouteAttempts.Parked;
import relay.metrics.Meters;
import relay.model.RelayError;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Lease;
import relay.trace.RequestTrace;
import relay.upstream.ProviderApi;

/**
 * Looks for the leases of one request: its client's quota first, then one provider after the other.
 * It owns what it finds, and gives back what was not used when it closes. Blocking code for a
 * virtual thread; one thread at a time.
 */
public final class LeaseSearch implements AutoCloseable {
  private final LeaseRequest request;
  private final RequestRecord record;
  private final Meters meters;
  private final @Nullable RequestTrace trace;
  private final Cancellation cancellation;
  private final ClientQuota quota;
  private final RouteAttempts routes;
  private final @Nullable Route unpriced;
  private final KeyQuestions questions = new KeyQuestions();
  private @Nullable Admitted admitted;
  private @Nullable Candidate tried; // where it was admitted last
  private long askedNanos; // when the last question for a key left; for the trace

  /** What became of the search. */
  public sealed interface Outcome {

    /** A key carries the request. */
    record Leased(Admitted admitted) implements Outcome {}

    /**
     * The client's own limits or budgets do not let it pass: no provider may be asked.
     *
     * @param reason in one word, for metrics
     */
    record OutOfQuota(String reason, RelayError error) implements Outcome {}

    /** No provider has a key for it; the error tells the time, if one is known. */
    record NoCapacity(RelayError error) implements Outcome {}

    /** No further attempt may follow those that providers answered with an error: this is one. */
    record Failed(Failure.ProviderFailed answer) implements Outcome {}

    /** It is not wanted any longer. */
    record Cancelled() implements Outcome {}
  }

  /**
   * @param routes the providers to ask, in order
   * @param unpriced where the model would need a price, and none of them is left; else null
   */
  LeaseSearch(
      LeaseRequest request,
      RequestRecord record,
      Cancellation cancellation,
      ClientQuota quota,
      RouteAttempts routes,
      @Nullable Route unpriced) {
    this.request = request;
    this.record = record;
    this.meters = record.meters();
    this.trace = record.trace();
    this.cancellation = cancellation;
    this.quota = quota;
    this.routes = routes;
    this.unpriced = unpriced;
  }

  /** The client's quota, which the request shares among its attempts. */
  public ClientQuota quota() {
    return quota;
  }

  /** The lease of the first attempt. */
  public Outcome first() {
    return ended(unpriced == null ? elsewhere() : withoutPrice(unpriced));
  }

  private Outcome withoutPrice(Route route) {
    record.target(route.name(), request.model());
    String model = route.api().config().upstreamModel(request.model());
    return new Outcome.OutOfQuota("unpriced", RefusalErrors.unpriced(model, record.clientName()));
  }

  /** The lease of a further attempt, after the last one failed: here or at another provider. */
  public Outcome after(Admitted last, Failure failure) {
    endAttempt();
    if (trace != null) {
      trace.attemptEnded();
    }
    routes.verdict().attemptFailed(failure);
    if (failure instanceof Failure.Stopped stop && routes.stops().refused(last.plan(), stop)) {
      routes.verdict().isOfRequest();
      return ended(null);
    }
    return ended(again(Objects.requireNonNull(tried), failure));
  }

  /**
   * @param found null if no provider grants a lease
   */
  private Outcome ended(@Nullable Outcome found) {
    if (found instanceof Outcome.Leased) {
      return found;
    }
    if (routes.stops().isStateOfOne()) {
      routes.verdict().isOfAccount();
    }
    leaveLines();
    if (cancellation.isCancelled()) {
      return new Outcome.Cancelled();
    }
    if (found instanceof Outcome.OutOfQuota(String reason, _)) {
      meters.clients().denied(record.clientName(), reason);
    }
    return found != null ? found : routes.verdict().outcome(request.dialect());
  }

  private @Nullable Outcome again(Candidate last, Failure failure) {
    RetryPolicy policy =
        new RetryPolicy(last.route().api().config().maxAttempts(), ThreadLocalRandom.current());
    Duration left = request.patience().minusNanos(record.elapsedNanos());
    Decision decision = policy.after(failure, last.attempts(), left);
    if (failure instanceof Failure.RateLimited) {
      last.limited();
    }
    if (cancellation.isCancelled() || !request.mayRepeat(failure.mayHaveBeenProcessed())) {
      return null;
    }
    if (decision instanceof Decision.Again(Duration pause)) {
      Outcome here = after(pause, last);
      return here != null ? here : elsewhere();
    }
    if (failure instanceof Failure.RateLimited) {
      findRetryTime(last);
    }
    return decision instanceof Decision.TooLate ? null : elsewhere();
  }

  private @Nullable Outcome after(Duration pause, Candidate last) {
    if (pause.isPositive()) {
      LockSupport.parkNanos(pause.toNanos());
    }
    return !cancellation.isCancelled() && routes.enterAgain(last)
        ? outcome(last, ask(last, last.acquire()))
        : null;
  }

  /** The first of the next providers that grants a lease; else waits where it may wait. */
  private @Nullable Outcome elsewhere() {
    while (!cancellation.isCancelled()) {
      Candidate next = routes.next();
      if (next == null) {
        return whereItWaits();
      }
      Outcome outcome = atFirst(next);
      if (outcome != null) {
        return outcome;
      }
    }
    return null;
  }

  /** No other provider grants a lease now: waits where capacity returns first, and only there. */
  private @Nullable Outcome whereItWaits() {
    Parked first = routes.firstParked();
    if (first == null) {
      return null;
    }
    leaveLines();
    record.target(first.candidate().route().name(), request.model());
    questions.takeUp(first.pending());
    asked(first.pending());
    return outcome(first.candidate(), answer(first.candidate()));
  }

  /** Leaves the lines of all providers where the request is parked. */
  private void leaveLines() {
    for (Parked other = routes.firstParked(); other != null; other = routes.firstParked()) {
      questions.giveUp(other.pending());
      other.candidate().release();
      if (!cancellation.isCancelled()) {
        denied(other.candidate(), other.refusal());
      }
    }
  }

  /** Asks a provider's pool for the first time, and the client's quota unless it was granted. */
  private @Nullable Outcome atFirst(Candidate candidate) {
    record.target(candidate.route().name(), request.model());
    // Both questions leave before either is answered: one round trip. But a short pool keeps a
    // place for whom it refuses: not for a client that has been at its own limit.
    boolean together = !quota.refusedLately() || !candidate.plan().isOfShortPool();
    quota.reserve(request, candidate.demand(), candidate::expected);
    if (together) {
      begin(candidate.acquire());
    } else {
      markAsked();
    }
    Outcome.OutOfQuota refusal = quota.await(request.dialect());
    if (refusal == null) {
      return outcome(candidate, together ? answer(candidate) : ask(candidate, candidate.acquire()));
    }
    traceAcquired(candidate, "client_" + refusal.reason());
    candidate.release();
    questions.giveBack();
    return refusal;
  }

  /** Null if the provider did not grant a lease that the request can use. */
  private @Nullable Outcome outcome(Candidate candidate, Acquisition acquisition) {
    Acquisition last = acquisition;
    while (last instanceof Granted(Lease lease)) {
      Acquisition barred = candidate.refusal(lease);
      if (barred != null) {
        questions.giveBack();
        if (candidate.wasBarred(lease.key())) { // the request names what only this account has
          last = barred;
          break;
        }
        last = ask(candidate, candidate.acquire()); // barred since the question: another is free
        continue;
      }
      ProviderApi api = candidate.route().api().having(lease.key());
      if (api != null) {
        countShadowed(candidate, lease);
        leaveLines();
        return new Outcome.Leased(admit(candidate, lease, api));
      }
      // The configuration has changed since the question, and the key has gone: ask for another.
      questions.giveBack();
      last = candidate.avoid(lease.key()) ? ask(candidate, candidate.acquire()) : new Unavailable();
    }
    refused(candidate, last);
    return null;
  }

  private Admitted admit(Candidate candidate, Lease lease, ProviderApi api) {
    Admitted next = candidate.admit(record, quota, lease, api);
    record.attempt(next.number(), lease.key());
    admitted = next;
    tried = candidate;
    questions.used();
    return next;
  }

  /** What shadow mode let pass is counted and logged. */
  private void countShadowed(Candidate candidate, Lease lease) {
    Acquisition.Reason reason = lease.wouldDeny();
    if (reason != null) {
      meters.wouldDeny("pool", candidate.route().name(), RefusalErrors.word(reason));
    }
    Acquisition.Reason ofClient = quota.wouldDeny();
    if (ofClient != null) {
      meters.wouldDeny(
          ofClient == Acquisition.Reason.BUDGET ? "budget" : "client",
          record.clientName(),
          RefusalErrors.word(ofClient));
    }
  }

  private void refused(Candidate candidate, Acquisition acquisition) {
    if (questions.isPending() && acquisition instanceof Exhausted refusal) {
      routes.park(new Parked(candidate, questions.setAside(), refusal));
      return;
    }
    candidate.release();
    if (cancellation.isCancelled()) {
      return;
    }
    if (candidate.isLimited()) {
      findRetryTime(candidate); // a key that was tried may be free first, or alone large enough
    } else {
      denied(candidate, acquisition);
    }
  }

  private void denied(Candidate candidate, Acquisition acquisition) {
    meters.denied(candidate.route().name(), RefusalErrors.reason(acquisition));
    routes.verdict().poolRefused(acquisition);
  }

  /** No attempt follows here: asks the pool when a retry by the client would be granted. */
  private void findRetryTime(Candidate candidate) {
    Acquisition acquisition = ask(candidate, candidate.acquireAny());
    if (acquisition instanceof Granted) {
      questions.giveBack();
      routes.verdict().keyIsFree();
    } else {
      denied(candidate, acquisition);
    }
  }

  /** Asks for a key, and waits for the answer. */
  private Acquisition ask(Candidate candidate, CompletableFuture<Acquisition> question) {
    begin(question);
    return answer(candidate);
  }

  private void begin(CompletableFuture<Acquisition> question) {
    questions.begin(question);
    asked(question);
  }

  /** A cancellation of the request ends the question. */
  private void asked(CompletableFuture<Acquisition> question) {
    markAsked();
    cancellation.onCancel(() -> question.cancel(false));
  }

  private void markAsked() {
    if (trace != null) {
      askedNanos = System.nanoTime();
    }
  }

  /** Waits for the answer to the pending question. */
  private Acquisition answer(Candidate candidate) {
    long asked = System.nanoTime();
    Acquisition acquisition = routes.hasOthers() ? questions.firstAnswer() : questions.answer();
    long waited = System.nanoTime() - asked;
    meters.acquired(waited);
    record.addWaitNanos(waited);
    routes.waited(waited);
    if (acquisition instanceof Granted && candidate.mayWait()) {
      meters.clients().waited(record.clientName(), waited);
    }
    traceAcquired(
        candidate,
        acquisition instanceof Granted ? RequestTrace.GRANTED : RefusalErrors.reason(acquisition));
    return acquisition;
  }

  private void traceAcquired(Candidate candidate, String outcome) {
    if (trace != null) {
      trace.acquired(candidate.route().name(), outcome, System.nanoTime() - askedNanos);
    }
  }

  /** Ends the lease of the last attempt. */
  public void endAttempt() {
    if (admitted != null) {
      admitted.close();
    }
  }

  /** Ends the last attempt, then the client's quota. */
  @Override
  public void close() {
    try {
      endAttempt();
    } finally {
      try {
        questions.close();
      } finally {
        quota.end();
      }
    }
  }
}
