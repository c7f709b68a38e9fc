package relay.pipeline;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.model.RelayError;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Granted;
import relay.redis.Demand;
import relay.redis.Lease;
import relay.upstream.RateLimitHeaders;
import relay.upstream.RetryTime;
import relay.upstream.UpstreamAnswer;
import relay.upstream.UpstreamCall;
import relay.upstream.UpstreamCall.Outcome;
import relay.upstream.UpstreamRequest;

/**
 * The attempts of a granted request, each with a lease of its own, until one gives an answer or no
 * more may be made. Blocking code on a virtual thread, read from top to bottom.
 */
final class Forwarding implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Forwarding.class);
  private static final int ERROR_BYTES = 64 * 1024;
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 2_000;

  private final Handling handling;
  private final Plan plan;
  private final Demand demand;
  private final Lease first;
  private @Nullable Duration soonest; // of what the refused keys said

  Forwarding(Handling handling, Plan plan, Demand demand, Lease first) {
    this.handling = handling;
    this.plan = plan;
    this.demand = demand;
    this.first = first;
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
    Set<String> tried = new HashSet<>();
    Lease lease = first;
    int most = plan.route().api().config().maxAttempts();
    for (int attempt = 1; ; attempt++) {
      tried.add(lease.key());
      handling.allowance().carriedBy(lease);
      Failure failure = attempt(lease, attempt);
      if (failure == null) {
        return;
      }
      if (handling.isGone()) {
        leave();
        return;
      }
      if (attempt >= most || (failure.unclear() && !plan.repeatable())) {
        giveUp(failure, null, attempt);
        return;
      }
      pause(failure, attempt);
      Acquisition next = acquireNext(tried);
      if (!(next instanceof Granted granted)) {
        giveUp(failure, next, attempt);
        return;
      }
      lease = granted.lease();
    }
  }

  private Acquisition acquireNext(Set<String> tried) {
    Demand other = demand.avoiding(tried);
    long asked = System.nanoTime();
    Acquisition next = plan.acquire(other).join();
    handling.meters().acquired(System.nanoTime() - asked);
    return next;
  }

  /** Null when the client was answered, or has left. */
  private @Nullable Failure attempt(Lease lease, int attempt) {
    handling.meters().attempt();
    handling.meters().granted(plan.route().name(), lease.key());
    long reserved = lease.inputTokens() + lease.outputTokens();
    handling.meters().reserve(reserved);
    try (lease) { // whatever happens, the lease ends: if nothing else did, with what it reserved
      return send(lease, attempt);
    } finally {
      handling.meters().release(reserved);
    }
  }

  private @Nullable Failure send(Lease lease, int attempt) {
    UpstreamCall call = call(lease);
    handling.whenGone(call::cancel);
    long sent = System.nanoTime();
    Outcome outcome = call.execute();
    long waited = System.nanoTime() - sent;
    handling.spentUpstream(waited);
    return switch (outcome) {
      case Outcome.Answered(UpstreamAnswer answer) -> {
        handling.meters().firstByte(plan.route().name(), waited);
        try (answer) {
          yield answered(lease, answer, attempt);
        }
      }
      case Outcome.Silent() -> {
        upstreamResponse(lease, 0);
        handling.refuse(RelayError.timeout("the provider sent nothing for server.idle_timeout_ms"));
        yield null;
      }
      case Outcome.Broken broken -> {
        upstreamResponse(lease, 0);
        if (!broken.sent()) {
          lease.cancel();
        }
        yield broken(broken);
      }
    };
  }

  private @Nullable Failure broken(Outcome.Broken broken) {
    if (handling.isGone()) {
      leave();
      return null;
    }
    log.debug("request {}: {}", handling.id(), broken.cause().toString());
    return new Failure.Unreachable(
        broken.sent(), broken.sent() ? "the connection broke" : "no connection");
  }

  private UpstreamCall call(Lease lease) {
    UpstreamRequest request =
        plan.route()
            .api()
            .request(handling.client().target(), plan.upstreamModel(), plan.facts().stream());
    request.method(plan.method());
    Set<String> connectionNames = HeaderPolicy.connectionNames(handling.client()::forEachHeader);
    handling
        .client()
        .forEachHeader(
            (name, value) -> {
              if (HeaderPolicy.passesUpstream(name.toLowerCase(Locale.ROOT), connectionNames)) {
                request.header(name, value);
              }
            });
    request.header("accept-encoding", acceptEncoding());
    return plan.route().api().call(request, lease.key(), WireBody.of(plan, handling.client()));
  }

  private String acceptEncoding() {
    String accepted = handling.client().header("accept-encoding");
    if (plan.endpoint() == null) {
      return accepted == null ? "identity" : accepted; // the answer is the client's alone
    }
    // What Relay asked for on its own it must take out again, for which it must see plain bytes.
    return HeaderPolicy.acceptEncoding(plan.asksForUsage() ? null : accepted);
  }

  private @Nullable Failure answered(Lease lease, UpstreamAnswer answer, int attempt) {
    upstreamResponse(lease, answer.status());
    if (plan.counted()) { // what does not count has limits of its own
      RateLimitHeaders said = RateLimitHeaders.read(answer::forEachHeader);
      plan.route().pool().observe(lease.group(), said.limits(), said.remaining());
    }
    return switch (answer.status()) {
      case 429 -> rateLimited(lease, answer);
      case 401, 403 -> {
        lease.settle(0, 0);
        if (plan.endpoint() == null) {
          // Of all there is below /v1/ a good key may not have everything: a client that asks for
          // the wrong thing must not take it from the others.
          yield new Failure.KeyRefused();
        }
        handling.meters().quarantined(plan.route().name(), lease.key());
        plan.route()
            .pool()
            .quarantine(List.of(lease.key()), "provider answered " + answer.status());
        log.warn(
            "key {} of {} is quarantined: the provider answered {}",
            lease.key(),
            plan.route().name(),
            answer.status());
        yield new Failure.KeyRefused();
      }
      case 500, 502, 503, 504, 529 -> {
        Failure failure = failed(lease, answer, attempt);
        lease.settle(0, 0);
        yield failure;
      }
      default -> {
        new AnswerRelay(handling, plan, lease).relay(answer, attempt);
        yield null;
      }
    };
  }

  private Failure rateLimited(Lease lease, UpstreamAnswer answer) {
    lease.settle(0, 0);
    Duration wait = RetryTime.of(answer, Instant.now());
    if (SpendStop.isIn(body(answer))) {
      String account = lease.group().substring(0, lease.group().lastIndexOf('/'));
      handling.meters().quarantined(plan.route().name(), lease.key());
      plan.route()
          .pool()
          .quarantine(plan.route().pool().keysOf(account), "spend or quota limit reached");
      log.warn("account {} of {}: spend or quota limit reached", account, plan.route().name());
      return new Failure.KeyRefused();
    }
    if (plan.counted()) { // providers limit by themselves what does not count against these limits
      plan.route().pool().coolGroup(lease.group(), wait);
    }
    Duration stated = wait.isZero() ? Duration.ofSeconds(1) : wait;
    if (soonest == null || stated.compareTo(soonest) < 0) {
      soonest = stated;
    }
    return new Failure.RateLimited(soonest);
  }

  private Failure failed(Lease lease, UpstreamAnswer answer, int attempt) {
    return new Failure.ProviderFailed(
        answer.status(),
        AnswerRelay.headers(handling, plan, answer, lease, attempt)
            .add("x-relay-error-origin", "upstream"),
        body(answer));
  }

  private static byte[] body(UpstreamAnswer answer) {
    try {
      return answer.readAtMost(ERROR_BYTES);
    } catch (IOException e) {
      return new byte[0];
    }
  }

  private void upstreamResponse(Lease lease, int status) {
    handling.meters().upstreamResponse(plan.route().name(), lease.key(), status);
  }

  /** Another key helps against a limit, not against a provider that has too much to do. */
  private static void pause(Failure failure, int attempt) {
    if (failure instanceof Failure.ProviderFailed f && f.overloaded()) {
      long bound = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(attempt - 1, 10));
      LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(bound / 2, bound + 1) * 1_000_000);
    }
  }

  /**
   * No attempt is left.
   *
   * @param next why no key was granted for another attempt; null if none was asked for
   */
  private void giveUp(Failure failure, @Nullable Acquisition next, int attempts) {
    switch (failure) {
      case Failure.ProviderFailed f -> handling.answer(f.status(), f.headers(), f.body());
      case Failure.RateLimited f ->
          handling.refuse(
              next == null
                  ? RelayError.rateLimited(
                      "the provider refused %d keys for their limits".formatted(attempts),
                      f.retryAfter())
                  : denied(next));
      case Failure.KeyRefused _ ->
          handling.refuse(
              next == null
                  ? RelayError.unavailable("the provider refused %d keys".formatted(attempts))
                  : denied(next));
      case Failure.Unreachable f ->
          handling.refuse(
              RelayError.unreachable(
                  "provider %s cannot be reached: %s".formatted(plan.route().name(), f.why())));
    }
  }

  private RelayError denied(Acquisition next) {
    handling.meters().denied(plan.route().name(), Refusals.reason(next));
    return Refusals.of(next);
  }

  private void leave() {
    handling.client().abort();
    handling.done(499, "relay");
  }
}
