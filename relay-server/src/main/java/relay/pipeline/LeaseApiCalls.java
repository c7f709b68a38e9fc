package relay.pipeline;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.leases.LeaseApi;
import relay.leases.LeaseReply;
import relay.model.RelayError;

/** The calls of workers that call providers by themselves, as requests of the data port. */
final class LeaseApiCalls {
  private static final RelayError TOO_LARGE =
      new RelayError(
          413,
          "request_too_large",
          "the body of a call about leases has at most " + LeaseApi.BODY_BYTES + " bytes",
          null);

  private LeaseApiCalls() {}

  /** Answers a call. Blocks as long as it waits for capacity. */
  static void serve(LeaseApi leases, RequestContext request, Generation generation, Caller caller) {
    RelayError barred = LeaseApi.barred(caller);
    if (barred != null) {
      request.answer().refuse(barred);
      return;
    }
    byte[] body = body(request);
    if (body == null) {
      return;
    }
    request.client().onGone(request.cancellation()::clientLeft);
    generation.running().register(request.cancellation());
    LeaseReply reply =
        leases.serve(
            new LeaseApi.Call(
                request.client().method(),
                TargetPath.of(request.client().target()),
                body,
                generation.admission(),
                caller,
                request.record(),
                request.cancellation(),
                request.answer()::quota));
    switch (reply) {
      case LeaseReply.Done(byte[] json) -> request.answer().json(json);
      case LeaseReply.Refused(RelayError error) -> request.answer().refuse(error);
      case LeaseReply.Cancelled _ -> request.answer().cancelled();
    }
  }

  /** Null when the request was refused or cancelled. */
  private static byte @Nullable [] body(RequestContext request) {
    if (request.client().method().equals("DELETE")) {
      return new byte[0];
    }
    RelayError wrongHead = RequestBodies.wrongHead(request.client());
    if (wrongHead != null) {
      request.answer().refuse(wrongHead);
      return null;
    }
    Payload body = RequestBodies.read(request, LeaseApi.BODY_BYTES, TOO_LARGE);
    if (body == null) {
      return null;
    }
    try {
      return body.withBytes(Arrays::copyOf);
    } finally {
      body.release();
    }
  }
}
