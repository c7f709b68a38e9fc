package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;
import relay.admission.OpenLease;
import relay.leases.LeaseApi.Call;
import relay.metrics.LeaseMeters.Event;
import relay.model.HeaderLines;
import relay.model.JsonString;
import relay.model.RelayError;
import relay.model.TokenUsage;
import relay.redis.model.Limits;
import relay.upstream.KnownReply;

/** The calls about a lease that was granted. */
record OpenLeaseCalls(SignedIds ids, OpenLeaseSums sums, Call call) {
  private static final int ALL = -1; // requests

  private static final LeaseReply NOT_FOUND =
      LeaseApi.refused(
          RelayError.noLease(
              "this client has no such lease, or it has ended: its time to live, a settle, a"
                  + " refusal or a cancel ends it"));

  /** Null if there is no such call. */
  @Nullable LeaseReply serve(String id) throws BadCallException {
    return switch (call.name()) {
      case "cancel" -> cancel(id);
      case "progress" -> progress(id, body().whole("output_tokens", 0, Limits.MAX, 0));
      case "settle" -> settle(id, Told.of(body()));
      case "refused" -> {
        CallBody body = body();
        yield refused(id, refusal(body), Told.of(body));
      }
      case "observed" -> observed(id, body().headers("headers"));
      default -> null;
    };
  }

  private CallBody body() throws BadCallException {
    return CallBody.of(call.body());
  }

  private LeaseReply cancel(String id) {
    LeaseTicket ticket = ticket(id);
    OpenLease lease = open(ticket);
    return ticket != null && lease != null && lease.cancel()
        ? ended(ticket, id, Event.CANCELLED)
        : NOT_FOUND;
  }

  private LeaseReply progress(String id, long made) {
    LeaseTicket ticket = ticket(id);
    OpenLease lease = open(ticket);
    return ticket != null && lease != null && lease.progress(made, ticket.ttl())
        ? done(id, "open")
        : NOT_FOUND;
  }

  private LeaseReply observed(String id, HeaderLines headers) {
    // The status is unknown: absent headers prove nothing, as the worker may have left them out.
    KnownReply reply = new KnownReply(0, headers, new byte[0]);
    LeaseTicket ticket = ticket(id);
    OpenLease lease = open(ticket);
    return ticket != null && lease != null && lease.observed(reply, ticket.ttl())
        ? done(id, "open")
        : NOT_FOUND;
  }

  private LeaseReply refused(String id, KnownReply reply, Told told) throws BadCallException {
    LeaseTicket ticket = ticket(id);
    if (ticket == null) {
      return NOT_FOUND;
    }
    int sent = told.usage() == null && told.requests() == ALL ? 1 : told.of(ticket, 1);
    OpenLease lease = open(ticket, sent);
    return lease != null && lease.refused(reply, sent, told.usage())
        ? ended(ticket, id, Event.REFUSED)
        : NOT_FOUND;
  }

  private static KnownReply refusal(CallBody body) throws BadCallException {
    if (!body.has("status")) {
      throw new BadCallException("status is missing: the provider's, from 400 to 599");
    }
    int status = (int) body.whole("status", 400, 599, 0);
    HeaderLines headers = withoutEncoding(body.headers("headers"));
    byte[] text = body.text("body", LeaseApi.BODY_BYTES).getBytes(UTF_8);
    return new KnownReply(status, headers, text);
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

  /** What was used, as a settle says it. */
  private record Told(@Nullable TokenUsage usage, long requests) {
    static Told of(CallBody body) throws BadCallException {
      return new Told(tokens(body), body.whole("requests", 0, LeaseCall.MOST_REQUESTS, ALL));
    }

    /** The requests that were sent: all unless it says fewer. */
    int of(LeaseTicket ticket, int least) throws BadCallException {
      int granted = ticket.grant().requests();
      long sent = requests == ALL ? granted : requests;
      if (sent < least || sent > granted) {
        throw new BadCallException(
            "requests must be a whole number from %d to %d".formatted(least, granted));
      }
      return (int) sent;
    }
  }

  private LeaseReply settle(String id, Told told) throws BadCallException {
    LeaseTicket ticket = ticket(id);
    if (ticket == null) {
      return NOT_FOUND;
    }
    int requests = told.of(ticket, 0);
    OpenLease lease = open(ticket, requests);
    if (lease == null) {
      return NOT_FOUND;
    }
    return switch (lease.settle(requests, told.usage())) {
      case SETTLED -> ended(ticket, id, Event.SETTLED);
      case SETTLED_BEFORE -> done(id, "settled");
      case UNKNOWN -> NOT_FOUND;
    };
  }

  private LeaseReply ended(LeaseTicket ticket, String id, Event event) {
    sums.ended(LeaseCall.ownerOf(ticket.client()));
    LeaseApi.count(call, event, ticket.grant().provider());
    return done(id, event.label());
  }

  /** Null if the body tells no tokens. */
  private static @Nullable TokenUsage tokens(CallBody body) throws BadCallException {
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
    return LeaseApi.done(
        "{\"lease\":" + JsonString.quote(id) + ",\"status\":" + JsonString.quote(status) + "}");
  }
}
