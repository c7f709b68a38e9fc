package relay.pipeline;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.pipeline.RetryPolicy.Decision;
import relay.pipeline.RouteAttempts.Candidate;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;
import relay.redis.Lease;

/**
 * The attempts of a request, each with a lease of its own, at one provider after the other, until
 * one gives an answer or no more may be made. Blocking code on a virtual thread, read from top to
 * bottom.
 */
final class AttemptLoop {
  private static final Logger log = LoggerFactory.getLogger(AttemptLoop.class);

  private final RequestContext handling;
  private final RouteAttempts journey;
  private Candidate leg;
  private ClientQuota.@Nullable Refusal ownLimit; // the client's, which lets nothing more pass
  private boolean limited; // whether this provider said 429 to one of the attempts

  AttemptLoop(RequestContext handling, RouteAttempts journey, Candidate first) {
    this.handling = handling;
    this.journey = journey;
    leg = first;
  }

  /** Brings the request to its end. */
  void run() {
    Lease lease = ask();
    if (lease == null) {
      lease = elsewhere();
    }
    while (lease != null) {
      handling.allowance().carriedBy(lease);
      int number = journey.attempt(leg, lease.key());
      handling.attempts(number);
      Failure failure = new ProviderAttempt(handling, leg, lease, number).make();
      if (failure == null) {
        return;
      }
      journey.verdict().failed(failure);
      lease = another(failure);
    }
    if (handling.isOver()) {
      handling.leave();
    } else if (ownLimit != null) {
      handling.meters().clients().denied(handling.caller(), ownLimit.reason());
      handling.refuse(ownLimit.error());
    } else {
      handling.end(journey.verdict().outcome(journey.asked().dialect()));
    }
  }

  /** The lease for a further attempt, here or at the next provider; null if there is none. */
  private @Nullable Lease another(Failure failure) {
    RetryPolicy policy =
        new RetryPolicy(leg.route().api().config().maxAttempts(), ThreadLocalRandom.current());
    Decision decision = policy.after(failure, leg.attempts(), handling.timeLeft());
    limited |= failure instanceof Failure.RateLimited;
    boolean mayBeDone = failure.unclear() && !journey.asked().repeatable();
    if (handling.isOver() || mayBeDone) {
      return null;
    }
    if (decision instanceof Decision.Again(Duration pause)) {
      Lease here = again(pause);
      return here != null || handling.isOver() ? here : elsewhere();
    }
    if (failure instanceof Failure.RateLimited) {
      askWhen();
    }
    return decision instanceof Decision.TooLate ? null : elsewhere();
  }

  private @Nullable Lease again(Duration pause) {
    if (pause.isPositive()) {
      LockSupport.parkNanos(pause.toNanos());
    }
    if (handling.isOver() || !journey.again(leg)) {
      return null;
    }
    Acquisition other = acquire(leg.acquire());
    if (other instanceof Granted || !limited || handling.isOver()) {
      return granted(other);
    }
    leg.unused();
    askWhen(); // a key that was tried may be free before all others, or alone large enough
    return null;
  }

  /** The lease of the first of the next providers that gives one; null if none does. */
  private @Nullable Lease elsewhere() {
    while (!handling.isOver() && ownLimit == null) {
      Candidate next = journey.next();
      if (next == null) {
        return null;
      }
      leg = next;
      limited = false;
      Lease there = ask();
      if (there != null) {
        return there;
      }
    }
    return null;
  }

  /** The first question to a provider, and to the client's own limits unless they let it pass. */
  private @Nullable Lease ask() {
    handling.goesTo(leg.route().name(), journey.asked().facts().model());
    // Both go out before either is answered
    CompletableFuture<ClientQuota.@Nullable Refusal> own = handling.allowance().take(leg.demand());
    CompletableFuture<Acquisition> wish = leg.acquire();
    handling.onCancel(() -> wish.cancel(false));
    ownLimit = own.join();
    if (ownLimit == null) {
      return granted(acquire(wish));
    }
    leg.unused();
    giveBack(wish);
    return null;
  }

  private static void giveBack(CompletableFuture<Acquisition> wish) {
    if (!wish.cancel(false)) {
      var _ =
          wish.thenAccept(
              acquisition -> {
                if (acquisition instanceof Granted(Lease unwanted)) {
                  unwanted.cancel();
                }
              });
    }
  }

  private @Nullable Lease granted(Acquisition acquisition) {
    if (acquisition instanceof Granted(Lease next)) {
      return next;
    }
    leg.unused();
    if (!handling.isOver()) {
      denied(acquisition);
    }
    return null;
  }

  private void denied(Acquisition acquisition) {
    handling.meters().denied(leg.route().name(), RefusalErrors.reason(acquisition));
    journey.verdict().refused(acquisition);
  }

  /** No attempt follows here: the pool knows when a retry of the client's will be served. */
  private void askWhen() {
    Acquisition acquisition = acquire(leg.acquireAny());
    if (acquisition instanceof Granted(Lease free)) {
      free.cancel();
      journey.verdict().hasFreeKey();
    } else {
      denied(acquisition);
    }
  }

  private Acquisition acquire(CompletableFuture<Acquisition> wish) {
    handling.onCancel(() -> wish.cancel(false));
    long asked = System.nanoTime();
    Acquisition acquisition = wish.exceptionally(AttemptLoop::none).join();
    handling.meters().acquired(System.nanoTime() - asked);
    return acquisition;
  }

  /** Cancelled because the client left, unless something is wrong. */
  private static Acquisition none(Throwable failure) {
    if (!(failure instanceof CancellationException)) {
      log.error("an error inside Relay", failure);
    }
    return new Unavailable();
  }
}
