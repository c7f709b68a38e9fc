package relay.pipeline;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.leases.LeaseApi;
import relay.leases.LeaseReply;
import relay.model.LeasePath;
import relay.model.RelayError;

/** The calls of workers that call providers by themselves, as requests of the data port. */
final class LeaseApiCalls {
  private static final RelayError TOO_LARGE =
      new RelayError(
          413,
          "request_too_large",
          "the body of a call about leases has at most " + LeaseApi.BODY_BYTES + " bytes",
          null);

  private static final byte[] NOTHING = {};

  private LeaseApiCalls() {}

  /** Answers a call. Blocks as long as it waits for capacity. */
  static void serve(LeaseApi leases, RequestContext request, Generation generation, Caller caller) {
    LeasePath path = Objects.requireNonNull(request.leasePath());
    RelayError barred = LeaseApi.barred(caller, path.call(request.client().method()));
    if (barred != null) {
      request.answer().refuse(barred);
      return;
    }
    Payload body = body(request);
    if (body == null) {
      return;
    }
    request.client().onGone(request.cancellation()::clientLeft);
    generation.running().register(request.cancellation());
    try {
      // The body stays charged while the call waits: as much may be held of what it says
      switch (leases.serve(call(request, path, body, generation, caller))) {
        case LeaseReply.Done(byte[] json) -> request.answer().json(json);
        case LeaseReply.Refused(RelayError error) -> request.answer().refuse(error);
        case LeaseReply.Cancelled _ -> request.answer().cancelled();
      }
    } finally {
      body.release();
    }
  }

  private static LeaseApi.Call call(
      RequestContext request, LeasePath path, Payload body, Generation generation, Caller caller) {
    return new LeaseApi.Call(
        path.call(request.client().method()),
        path,
        body,
        generation.admission(),
        caller,
        request.record(),
        request.cancellation(),
        request.answer()::quota);
  }

  /** Null when the request was refused or cancelled. */
  private static @Nullable Payload body(RequestContext request) {
    if (request.client().method().equals("DELETE")) {
      return Payload.of(NOTHING);
    }
    RelayError wrongHead = RequestBodies.wrongHead(request.client());
    if (wrongHead != null) {
      request.answer().refuse(wrongHead);
      return null;
    }
    return RequestBodies.read(request, LeaseApi.BODY_BYTES, TOO_LARGE);
  }
}
