package relay.pipeline;

import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.body.Upload;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.pipeline.ClientExchange.Body;
import relay.request.RequestScan;
import relay.request.RequestScanner;

/** Reads and scans the bodies of requests, or refuses them. */
final class RequestBodies {
  private static final String JSON = "application/json"; // what nearly all clients send
  private static final Pattern JSON_TYPE =
      Pattern.compile("application/json[ \\t]*(;|$)", Pattern.CASE_INSENSITIVE);

  /** A body of at most this size is held, so that it can be sent again. */
  private static final int HELD_BYTES = 1024 * 1024;

  private static final RelayError MALFORMED =
      RelayError.invalid(
          "the body's chunks are not well formed, or it is not as long as announced");
  private static final RelayError TOO_SLOW =
      RelayError.tooSlow("the request's body came too slowly");

  private RequestBodies() {}

  /** What is wrong with the head of a request whose body is to be parsed; null if nothing is. */
  static @Nullable RelayError wrongHead(ClientExchange client) {
    String type = client.header("content-type");
    if (type != null && !type.equals(JSON) && !JSON_TYPE.matcher(type).lookingAt()) {
      return RelayError.invalid("content-type must be application/json");
    }
    String encoding = client.header("content-encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return RelayError.unsupported("content-encoding is not supported: send the body as it is");
    }
    return PriorityHeader.fault(client);
  }

  /** Null when the request was refused or cancelled. */
  static @Nullable Payload read(RequestContext request, int maxBytes) {
    return read(request, request.client().readBody(maxBytes), () -> RelayError.tooLarge(maxBytes));
  }

  /** As {@link #read}, with this refusal of a body that is too large. */
  static @Nullable Payload read(RequestContext request, int maxBytes, RelayError tooLarge) {
    return read(request, request.client().readBody(maxBytes), () -> tooLarge);
  }

  /** As {@link #read}, but a large body is not held: it passes to the provider as it arrives. */
  static @Nullable Payload readOrPass(RequestContext request, int maxBytes) {
    Body body = request.client().readOrPass(HELD_BYTES, maxBytes);
    return read(request, body, () -> RelayError.uploadTooLarge(maxBytes));
  }

  private static @Nullable Payload read(
      RequestContext request, Body body, Supplier<RelayError> tooLarge) {
    switch (body) {
      case Body.Whole(Payload payload) -> {
        return payload;
      }
      case Body.Passing(Upload upload) -> {
        return Payload.passing(upload);
      }
      case Body.TooLarge _ -> request.answer().refuse(tooLarge.get());
      case Body.NoRoom _ ->
          request
              .answer()
              .refuse(
                  RelayError.overloaded(
                      request.client().dialect(),
                      "this replica has no memory for the request now; try again"));
      case Body.Malformed _ -> request.answer().refuse(MALFORMED);
      case Body.TooSlow _ -> request.answer().refuse(TOO_SLOW);
      case Body.Broken _ -> request.answer().cancelled();
    }
    return null;
  }

  /**
   * Finds what a request asks for.
   *
   * @param sessions whether conversations stay on their accounts
   */
  static RequestScan scan(
      ClientExchange client, Endpoint endpoint, Payload body, boolean sessions) {
    // Embeddings have no prompt cache, and uncounted requests may use any key
    if (!sessions || !endpoint.counted() || endpoint == Endpoint.EMBEDDINGS) {
      return body.withBytes(RequestScanner::scan);
    }
    String stated = StatedSession.of(client);
    if (stated.isEmpty()) {
      return body.withBytes(RequestScanner::scanWithSession);
    }
    return body.withBytes((bytes, length) -> RequestScanner.scanInSession(bytes, length, stated));
  }

  /** Answers a request whose body ended by a fault of its client. */
  static void failed(RequestContext request, Upload upload, Upload.Fault fault) {
    switch (fault) {
      case TOO_LARGE -> request.answer().refuse(RelayError.uploadTooLarge(upload.mostBytes()));
      case MALFORMED -> request.answer().refuse(MALFORMED);
      case TOO_SLOW -> request.answer().refuse(TOO_SLOW);
      case GONE -> request.answer().cancelled();
    }
  }
}
