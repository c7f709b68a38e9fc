package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;
import relay.admission.OpenLease;
import relay.leases.LeaseApi.Call;
import relay.model.HeaderLines;
import relay.model.RelayError;
import relay.model.TokenUsage;
import relay.redis.model.Ending;
import relay.redis.model.Limits;
import relay.upstream.KnownReply;

/** The calls about a lease that was granted. */
record OpenLeaseCalls(SignedIds ids, Call call) {
  private static final LeaseReply NOT_FOUND =
      LeaseApi.refused(
          RelayError.noLease(
              "this client has no such lease, or it has ended: its time to live, a settle, a"
                  + " refusal or a cancel ends it"));

  /** Null if there is no such call. */
  @Nullable LeaseReply serve(String id, String verb) throws BadCallException {
    boolean isDelete = call.method().equals("DELETE");
    return switch (isDelete ? "DELETE " + verb : verb) {
      case "DELETE " -> cancel(id);
      case "progress" -> progress(id, body());
      case "settle" -> settle(id, body());
      case "refused" -> refused(id, body());
      case "observed" -> observed(id, body());
      default -> null;
    };
  }

  private CallBody body() throws BadCallException {
    return CallBody.of(call.body());
  }

  private LeaseReply cancel(String id) {
    OpenLease lease = open(ticket(id));
    return lease != null && lease.cancel() ? done(id, "cancelled") : NOT_FOUND;
  }

  private LeaseReply progress(String id, CallBody body) throws BadCallException {
    long made = body.whole("output_tokens", 0, Limits.MAX, 0);
    LeaseTicket ticket = ticket(id);
    OpenLease lease = open(ticket);
    return ticket != null && lease != null && lease.progress(made, ticket.ttl())
        ? done(id, "open")
        : NOT_FOUND;
  }

  private LeaseReply observed(String id, CallBody body) throws BadCallException {
    // Its status is unknown: headers that are absent prove nothing, as the worker may have left
    // them
    // out
    KnownReply reply = new KnownReply(0, body.headers("headers"), new byte[0]);
    LeaseTicket ticket = ticket(id);
    OpenLease lease = open(ticket);
    return ticket != null && lease != null && lease.observed(reply, ticket.ttl())
        ? done(id, "open")
        : NOT_FOUND;
  }

  private LeaseReply refused(String id, CallBody body) throws BadCallException {
    if (!body.has("status")) {
      throw new BadCallException("status is missing: the provider's, from 400 to 599");
    }
    int status = (int) body.whole("status", 400, 599, 0);
    HeaderLines headers = withoutEncoding(body.headers("headers"));
    byte[] text = body.text("body", LeaseApi.BODY_BYTES).getBytes(UTF_8);
    OpenLease lease = open(ticket(id));
    return lease != null && lease.refused(new KnownReply(status, headers, text))
        ? done(id, "refused")
        : NOT_FOUND;
  }

  /** The body came as a text: it is decoded. */
  private static HeaderLines withoutEncoding(HeaderLines all) {
    HeaderLines lines = new HeaderLines();
    all.forEach(
        (name, value) -> {
          if (!name.equalsIgnoreCase("content-encoding")) {
            lines.add(name, value);
          }
        });
    return lines;
  }

  private LeaseReply settle(String id, CallBody body) throws BadCallException {
    TokenUsage usage = usage(body);
    LeaseTicket ticket = ticket(id);
    if (ticket == null) {
      return NOT_FOUND;
    }
    int granted = ticket.grant().requests();
    int requests = (int) body.whole("requests", 0, granted, granted);
    OpenLease lease = open(ticket, requests);
    return lease == null || lease.settle(requests, usage) == Ending.UNKNOWN
        ? NOT_FOUND
        : done(id, "settled");
  }

  /** Null if the body tells no tokens. */
  private static @Nullable TokenUsage usage(CallBody body) throws BadCallException {
    long input = body.whole("input_tokens", 0, Limits.MAX, 0);
    long output = body.whole("output_tokens", 0, Limits.MAX, 0);
    long read = body.whole("cache_read_tokens", 0, Limits.MAX, 0);
    long written = body.whole("cache_write_tokens", 0, Limits.MAX, 0);
    if (read + written > input) {
      throw new BadCallException(
          "cache_read_tokens and cache_write_tokens are parts of input_tokens, which are all");
    }
    return body.has("input_tokens") || body.has("output_tokens")
        ? new TokenUsage(input - read - written, written, read, output)
        : null;
  }

  private @Nullable LeaseTicket ticket(String id) {
    return ids.read(id, call.client());
  }

  /** Null if there is none, or its provider is not configured any more. */
  private @Nullable OpenLease open(@Nullable LeaseTicket ticket, int requests) {
    return ticket == null
        ? null
        : call.admission()
            .again(ticket.grant(), LeaseCall.again(ticket, requests), call.caller(), call.record());
  }

  private @Nullable OpenLease open(@Nullable LeaseTicket ticket) {
    return ticket == null ? null : open(ticket, ticket.grant().requests());
  }

  private static LeaseReply done(String id, String status) {
    return LeaseApi.done(LeaseApi.answer().put("lease", id).put("status", status));
  }
}
