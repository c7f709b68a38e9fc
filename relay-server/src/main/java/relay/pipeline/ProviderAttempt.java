package relay.pipeline;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.body.Upload;
import relay.model.RelayError;
import relay.pool.QuarantineReason;
import relay.redis.Lease;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.Remaining;
import relay.trace.RequestTrace;
import relay.upstream.ProviderApi;
import relay.upstream.RateLimitHeaders;
import relay.upstream.UpstreamAnswer;
import relay.upstream.UpstreamCall;
import relay.upstream.UpstreamCall.FailureCause;
import relay.upstream.UpstreamCall.Outcome;

/**
 * One attempt: sends the request with one key and one lease, and applies the answer to the key, its
 * quota group, its account and the provider.
 */
final class ProviderAttempt {
  private static final int ERROR_BYTES = 64 * 1024;

  private final RequestContext request;
  private final RequestResources resources;
  private final RequestPlan plan;
  private final RouteAttempts.Candidate candidate;
  private final Route route;
  private final ProviderApi api;
  private final Passage passage;
  private final Lease lease;
  private final int number;
  private final Payload body;
  private final @Nullable RequestTrace trace;

  /**
   * @param number among all attempts of the request, from 1
   */
  ProviderAttempt(
      RequestContext request,
      RequestResources resources,
      RouteAttempts.Candidate candidate,
      int number) {
    this.request = request;
    this.resources = resources;
    this.plan = candidate.plan();
    this.candidate = candidate;
    this.route = candidate.route();
    this.passage = candidate.passage();
    this.lease = resources.lease();
    api = Objects.requireNonNull(route.api().having(lease.key())); // checked when it was granted
    this.number = number;
    body = ProviderBody.of(plan, request.client());
    trace = request.trace();
  }

  /**
   * Null if no further attempt may follow: the client was answered, has left, or another thread
   * answers it.
   */
  @Nullable Failure make() {
    try {
      resources.beginAttempt(candidate::expected);
      request.meters().attempt();
      request.meters().granted(route.name(), lease.key());
      if (trace != null) {
        trace.attempt(traced());
      }
      return send();
    } finally {
      resources.endAttempt();
    }
  }

  private RequestTrace.Attempt traced() {
    return new RequestTrace.Attempt(
        api.config(),
        plan.parsed().endpoint(),
        plan.parsed().method(),
        plan.upstreamModel(),
        plan.facts().stream(),
        lease.key(),
        number);
  }

  private void traceFailure(String errorType) {
    if (trace != null) {
      trace.failed(errorType);
    }
  }

  private @Nullable Failure send() {
    UpstreamCall call = api.call(UpstreamHead.of(request, plan, api), lease.key(), body);
    request.cancellation().onCancel(call::cancel);
    long sent = System.nanoTime();
    Outcome outcome = call.execute();
    if (outcome instanceof Outcome.Answered(UpstreamAnswer answer)) {
      resources.own(answer);
    }
    long waited = System.nanoTime() - sent;
    request.record().addUpstreamNanos(waited);
    return switch (outcome) {
      case Outcome.Answered(UpstreamAnswer answer) -> {
        request.meters().firstByte(route.name(), waited);
        request.record().answered();
        yield answered(answer);
      }
      case Outcome.Silent() -> {
        upstreamResponse(0);
        request.meters().unanswered(route.name(), FailureCause.SILENCE.label());
        traceFailure(FailureCause.SILENCE.label());
        failedHere();
        request
            .answer()
            .refuse(RelayError.timeout("the provider sent nothing for server.idle_timeout_ms"));
        yield null;
      }
      case Outcome.Broken broken -> {
        upstreamResponse(0);
        if (!broken.sent()) {
          lease.cancel();
        }
        yield broken(broken);
      }
    };
  }

  private @Nullable Failure broken(Outcome.Broken broken) {
    if (endedByClient()) {
      route.breaker().abandoned(passage);
      return null;
    }
    FailureCause why = broken.why();
    request.meters().unanswered(route.name(), why.label());
    traceFailure(why.label());
    route.api().logFailure(why, broken.cause());
    boolean local = why == FailureCause.LOCAL;
    if (local) {
      route.breaker().abandoned(passage); // other replicas reach the provider
    } else if (broken.sent()) {
      failedHere();
    } else {
      plan.unreachable(passage);
    }
    return new Failure.Unreachable(
        broken.sent(),
        local && !broken.sent(), // the provider may have begun to work
        why.isOfCertificate(),
        "provider %s cannot be reached: %s".formatted(route.name(), why.text()));
  }

  /** Nothing of the answer has gone to the client: another attempt may follow. */
  private @Nullable Failure unbegun(AnswerBreak how) {
    if (endedByClient()) {
      return null;
    }
    how.report(request, plan);
    if (how == AnswerBreak.SILENCE) {
      request.answer().refuse(how.error(plan.dialect()));
      return null;
    }
    return new Failure.Unreachable(
        /* sent= */ true,
        /* local= */ false,
        /* lasting= */ false,
        "provider %s broke off its answer".formatted(route.name()));
  }

  /** Whether the client ended the attempt, or the replica stops. Then the client is answered. */
  private boolean endedByClient() {
    Upload upload = body.upload();
    Upload.Fault fault = upload == null ? null : upload.fault();
    if (upload != null && fault != null) {
      RequestBodies.failed(request, upload, fault);
      return true;
    }
    if (request.cancellation().isCancelled()) {
      request.answer().cancelled();
      return true;
    }
    return false;
  }

  /** A failure of an unknown path does not prove a failing provider. */
  private void failedHere() {
    if (plan.unread()) {
      route.breaker().abandoned(passage);
    } else {
      plan.failed(passage, request.record().clientName());
    }
  }

  private @Nullable Failure answered(UpstreamAnswer answer) {
    upstreamResponse(answer.status());
    if (trace != null) {
      trace.answered(answer.status());
    }
    if (!route.organizations().knows(lease.key())) {
      learnOrganization(answer);
    }
    if (plan.learnsLimits()) {
      RateLimitHeaders all = RateLimitHeaders.read(answer::forEachHeader);
      RateLimitHeaders said = api.config().api().countsByMinute() ? all : all.withoutRequests();
      // After a refusal the cooldown replaces the remaining counts.
      Remaining left = answer.status() == 429 ? Remaining.NONE : said.remaining();
      route
          .pool()
          .observe(
              lease, said.limits(), left, () -> RateLimitHeaders.refill(answer::forEachHeader));
    }
    return switch (isTierRefused(answer) ? 429 : answer.status()) {
      case 500, 502, 503, 504, 529 -> {
        failedHere();
        Failure failure = failed(answer);
        lease.settle(0, 0);
        yield failure;
      }
      case 429 -> {
        plan.succeeded(passage, request.record().clientName());
        lease.settle(0, 0);
        yield new LimitedAttempt(request, candidate, lease, api).refused(answer, ERROR_BYTES);
      }
      case 403 -> {
        plan.succeeded(passage, request.record().clientName());
        lease.settle(0, 0);
        yield stopped(Failure.Stopped.Kind.KEY, QuarantineReason.refused(403), answer);
      }
      case 401 -> {
        plan.succeeded(passage, request.record().clientName());
        lease.settle(0, 0);
        if (!plan.unread()) {
          // A good key may lack rights on some path below /v1/: one client's request must not
          // quarantine it for the others.
          var _ =
              Stops.quarantine(
                  request.meters(), route, lease.key(), api, QuarantineReason.refused(401));
        }
        yield new Failure.KeyRefused();
      }
      default -> {
        plan.succeeded(passage, request.record().clientName());
        if (isSpendLimit(answer)) {
          lease.settle(0, 0);
          request.meters().limitRefusal(route.name(), "spend");
          yield stopped(Failure.Stopped.Kind.MONEY, QuarantineReason.spendLimit(), answer);
        }
        if (answer.status() < 300) {
          served();
        }
        AnswerBreak early = AnswerBreak.beforeBody(request, plan, answer);
        if (early != null) {
          yield unbegun(early);
        }
        body.release();
        plan.releaseBody();
        if (answer.isEventStream()) {
          continueOnNewThread(answer);
        } else {
          relay(answer, resources);
        }
        yield null;
      }
    };
  }

  /** Groq's own status for a tier without capacity: "Flex Processing", console.groq.com. */
  private boolean isTierRefused(UpstreamAnswer answer) {
    return answer.status() == 498 && plan.namesTier();
  }

  /** Sources: "API overview", platform.claude.com; "API reference", developers.openai.com. */
  private void learnOrganization(UpstreamAnswer answer) {
    String named =
        switch (plan.dialect()) {
          case ANTHROPIC -> answer.header("anthropic-organization-id");
          case OPENAI -> {
            String organization = answer.header("openai-organization");
            yield organization == null ? answer.header("openai-project") : organization;
          }
        };
    if (named != null || answer.status() == 200) {
      route.organizations().learned(lease.key(), named == null ? "" : named);
    }
  }

  private boolean isSpendLimit(UpstreamAnswer answer) {
    return !plan.unread()
        && (answer.status() == 402
            || (answer.status() == 400 && LimitRefusal.isSpendLimit(answer, ERROR_BYTES)));
  }

  private Failure stopped(Failure.Stopped.Kind kind, String reason, UpstreamAnswer answer) {
    String text =
        LimitRefusal.words(answer.header("content-encoding"), answer.readAtMost(ERROR_BYTES));
    return new Failure.Stopped(
        kind, reason, lease, api, RefusedText.toClient(request, plan, lease, answer, text));
  }

  /** The account serves such requests. */
  private void served() {
    candidate.served();
    if (!plan.unread()) {
      route.refusals().served(lease.group(), plan.upstreamModel(), request.record().clientName());
    }
  }

  private void relay(UpstreamAnswer answer, RequestResources owner) {
    new AnswerRelay(request, owner, plan, lease).relay(answer, number);
  }

  /**
   * A stream waits for seconds or minutes. This thread's stack has grown in OkHttp and never
   * shrinks. A new thread has a small stack.
   */
  private void continueOnNewThread(UpstreamAnswer answer) {
    request.continueOnNewThread(resources, moved -> relay(answer, moved));
  }

  private Failure failed(UpstreamAnswer answer) {
    return new Failure.ProviderFailed(
        answer.status(),
        AnswerRelay.headers(request, plan, answer, lease).add("x-relay-error-origin", "upstream"),
        answer.readAtMost(ERROR_BYTES));
  }

  private void upstreamResponse(int status) {
    request.meters().upstreamResponse(route.name(), lease.key(), status);
  }
}
