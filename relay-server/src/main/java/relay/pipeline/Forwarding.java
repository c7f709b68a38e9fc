package relay.pipeline;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.pipeline.Journey.Leg;
import relay.pipeline.RetryPolicy.Decision;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;
import relay.redis.Lease;

/**
 * The attempts of a granted request, each with a lease of its own, at one provider after the other,
 * until one gives an answer or no more may be made. Blocking code on a virtual thread, read from
 * top to bottom.
 */
final class Forwarding implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Forwarding.class);

  private final Handling handling;
  private final Journey journey;
  private Leg leg;
  private @Nullable Lease lease;

  Forwarding(Handling handling, Journey journey, Leg leg, Lease lease) {
    this.handling = handling;
    this.journey = journey;
    this.leg = leg;
    this.lease = lease;
  }

  @Override
  public void run() {
    try {
      attempts();
    } catch (RuntimeException e) {
      log.error("request {} failed inside Relay", handling.id(), e);
      handling.client().abort();
      handling.done(500, "relay");
    } finally {
      handling.allowance().end();
    }
  }

  private void attempts() {
    while (lease != null) {
      handling.allowance().carriedBy(lease);
      int number = journey.attempt(leg, lease.key());
      handling.attempts(number);
      Failure failure = new Attempt(handling, leg, lease, number).make();
      if (failure == null) {
        return;
      }
      journey.verdict().failed(failure);
      lease = another(failure);
    }
    if (handling.isOver()) {
      handling.leave();
    } else {
      handling.end(journey.verdict().outcome(journey.asked().dialect()));
    }
  }

  /** The lease for a further attempt, here or at the next provider; null if there is none. */
  private @Nullable Lease another(Failure failure) {
    RetryPolicy policy =
        new RetryPolicy(leg.route().api().config().maxAttempts(), ThreadLocalRandom.current());
    Decision decision = policy.after(failure, leg.attempts(), handling.timeLeft());
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
    return !handling.isOver() && journey.again(leg) ? granted(acquire(leg.acquire())) : null;
  }

  private @Nullable Lease elsewhere() {
    for (Leg next = journey.next(); next != null; next = journey.next()) {
      leg = next;
      handling.goesTo(leg.route().name(), journey.asked().facts().model());
      Lease there = granted(acquire(leg.acquire()));
      if (there != null) {
        return there;
      }
    }
    return null;
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
    handling.meters().denied(leg.route().name(), Refusals.reason(acquisition));
    journey.verdict().refused(acquisition);
  }

  /**
   * No more attempts may be made here: the pool knows when a retry of the client's will be served.
   */
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
    handling.whenOver(() -> wish.cancel(false));
    long asked = System.nanoTime();
    Acquisition acquisition = wish.exceptionally(cancelled -> new Unavailable()).join();
    handling.meters().acquired(System.nanoTime() - asked);
    return acquisition;
  }
}
