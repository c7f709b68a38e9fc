package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.admission.Admitted;
import relay.admission.Failure;
import relay.body.Payload;
import relay.body.Upload;
import relay.model.RelayError;
import relay.trace.RequestTrace;
import relay.upstream.ProviderApi;
import relay.upstream.UpstreamAnswer;
import relay.upstream.UpstreamCall;
import relay.upstream.UpstreamCall.FailureCause;
import relay.upstream.UpstreamCall.Outcome;

/** One attempt: sends the request with one key and one lease, and relays the answer. */
final class ProviderAttempt {
  private final RequestContext request;
  private final RequestResources resources;
  private final ParsedRequest parsed;
  private final Admitted admitted;
  private final ProviderApi api;
  private final String provider;
  private final Payload body;
  private final @Nullable RequestTrace trace;

  /**
   * @param resources own the lease
   */
  ProviderAttempt(
      RequestContext request, RequestResources resources, ParsedRequest parsed, Admitted admitted) {
    this.request = request;
    this.resources = resources;
    this.parsed = parsed;
    this.admitted = admitted;
    api = admitted.api();
    provider = admitted.plan().route().name();
    body = ProviderBody.of(admitted.plan(), parsed, request.client());
    trace = request.trace();
  }

  /**
   * Null if no further attempt may follow: the client was answered, has left, or another thread
   * answers it.
   */
  @Nullable Failure make() {
    try {
      admitted.begin();
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
        parsed.endpoint(),
        parsed.method(),
        admitted.plan().upstreamModel(),
        parsed.facts().stream(),
        admitted.lease().key(),
        admitted.number());
  }

  private @Nullable Failure send() {
    UpstreamCall call =
        api.call(
            UpstreamHead.of(request, parsed, admitted.plan().upstreamModel(), api),
            admitted.lease().key(),
            body);
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
        request.meters().firstByte(provider, waited);
        request.record().answered();
        Failure failure = admitted.answered(answer);
        yield failure == null ? relay(answer) : failure;
      }
      case Outcome.Silent() -> {
        admitted.unanswered(FailureCause.SILENCE.label());
        admitted.failed();
        request
            .answer()
            .refuse(RelayError.timeout("the provider sent nothing for server.idle_timeout_ms"));
        yield null;
      }
      case Outcome.Broken broken -> broken(broken);
    };
  }

  private @Nullable Failure broken(Outcome.Broken broken) {
    if (!broken.sent()) {
      admitted.cancel();
    }
    FailureCause why = broken.why();
    if (endedByClient()) {
      admitted.abandoned();
      request.meters().upstreamResponse(provider, admitted.lease().key(), 0);
      return null;
    }
    admitted.unanswered(why.label());
    admitted.plan().route().api().logFailure(why, broken.cause());
    boolean local = why == FailureCause.LOCAL;
    if (local) {
      admitted.abandoned(); // other replicas reach the provider
    } else if (broken.sent()) {
      admitted.failed();
    } else {
      admitted.unreachable();
    }
    return new Failure.Unreachable(
        broken.sent(),
        local && !broken.sent(), // the provider may have begun to work
        why.isOfCertificate(),
        "provider %s cannot be reached: %s".formatted(provider, why.text()));
  }

  /** Nothing of the answer has gone to the client: another attempt may follow. */
  private @Nullable Failure unbegun(AnswerBreak how) {
    if (endedByClient()) {
      return null;
    }
    how.report(admitted);
    if (how == AnswerBreak.SILENCE) {
      request.answer().refuse(how.error(parsed.dialect()));
      return null;
    }
    return new Failure.Unreachable(
        /* sent= */ true,
        /* local= */ false,
        /* lasting= */ false,
        "provider %s broke off its answer".formatted(provider));
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

  private @Nullable Failure relay(UpstreamAnswer answer) {
    AnswerBreak early = AnswerBreak.beforeBody(request, answer, parsed.counted());
    if (early != null) {
      return unbegun(early);
    }
    // An answer may take minutes, and the body may be large.
    body.release();
    parsed.body().release();
    AnswerRelay rest = new AnswerRelay(request, parsed, admitted);
    if (answer.isEventStream()) {
      // A stream waits for seconds or minutes. This thread's stack has grown in OkHttp and never
      // shrinks. A new thread has a small stack.
      request.continueOnNewThread(resources, _ -> rest.relay(answer));
    } else {
      rest.relay(answer);
    }
    return null;
  }
}
