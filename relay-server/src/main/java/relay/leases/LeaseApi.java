package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import relay.admission.Admission;
import relay.admission.Admitted;
import relay.admission.Cancellation;
import relay.admission.ClientQuota;
import relay.admission.LeaseGrant;
import relay.admission.LeaseSearch;
import relay.admission.LeaseSearch.Outcome;
import relay.admission.RequestRecord;
import relay.admission.Route;
import relay.auth.Clients.Caller;
import relay.model.RelayError;
import relay.redis.Notes;

/**
 * The calls by which a worker takes part in the pools and calls the providers by itself. Which
 * replica gets a call does not matter: what one must know of a lease is in its id or in Redis.
 * Blocking code for a virtual thread.
 */
public final class LeaseApi {
  /** The path of all calls. */
  public static final String PATH = "/v1/relay/leases";

  /** The most bytes of a call's body. */
  public static final int BODY_BYTES = 64 * 1024;

  /** What the replicas' notes are kept under. */
  public static final String NOTES = "@leases";

  private static final RelayError NO_REDIS =
      RelayError.unavailable(
          "the store of the leases cannot be reached: send the same call again after the time"
              + " given");

  private final SignedIds ids;
  private final Repeats repeats;

  /**
   * @param notes that all replicas share
   */
  public LeaseApi(Notes notes) {
    ids = new SignedIds(new FleetSecret(notes, System::nanoTime));
    repeats = new Repeats(notes);
  }

  /**
   * A call of an authenticated client.
   *
   * @param path without a query
   * @param quota is told the client's own limits, for the answer's headers
   */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares calls
  public record Call(
      String method,
      String path,
      byte[] body,
      Admission admission,
      Caller caller,
      RequestRecord record,
      Cancellation cancellation,
      Consumer<ClientQuota> quota) {

    String client() {
      return caller.name();
    }
  }

  /** Whether a client may use leases at all; null if it may. */
  public static @Nullable RelayError barred(Caller caller) {
    return caller.restrictions() != null && caller.restrictions().bounds().leases()
        ? null
        : RelayError.forbidden(
            "client %s may not use leases: its operator allows it by leases: true"
                .formatted(caller.name()));
  }

  /** Does what a call asks for. */
  public LeaseReply serve(Call call) {
    try {
      return call.path().equals(PATH) ? acquire(call) : about(call);
    } catch (BadCallException e) {
      return refused(RelayError.invalid(e.reason()));
    } catch (CompletionException e) {
      return refused(NO_REDIS);
    }
  }

  private LeaseReply about(Call call) throws BadCallException {
    String rest = call.path().substring(PATH.length() + 1);
    int slash = rest.indexOf('/');
    String id = slash < 0 ? rest : rest.substring(0, slash);
    String verb = slash < 0 ? "" : rest.substring(slash + 1);
    LeaseReply reply = new OpenLeaseCalls(ids, call).serve(id, verb);
    return reply != null
        ? reply
        : refused(RelayError.notFound("there is nothing at " + PATH + "/{lease}/" + verb));
  }

  private LeaseReply acquire(Call call) throws BadCallException {
    CallBody body = CallBody.of(call.body());
    LeaseCall wanted = LeaseCall.of(body, call.client());
    String provider = body.text("provider", LeaseCall.MOST_LETTERS);
    String key = body.text("idempotency_key", LeaseCall.MOST_LETTERS);
    List<Route> chosen =
        call.admission()
            .providers(
                call.caller(),
                wanted.model(),
                route -> provider.isEmpty() || route.name().equals(provider));
    if (chosen.isEmpty()) {
      return refused(
          RelayError.notFound(
              "no provider%s serves model '%s' to this client"
                  .formatted(provider.isEmpty() ? "" : " '" + provider + "'", wanted.model())));
    }
    if (key.isEmpty()) {
      return search(call, wanted, chosen);
    }
    Repeats.Turn turn =
        repeats.begin(call.client(), key, wanted.patience(), call.cancellation()::isCancelled);
    return switch (turn) {
      case Repeats.Turn.First _ -> first(call, wanted, chosen, key);
      case Repeats.Turn.Answered(String json) -> new LeaseReply.Done(json.getBytes(UTF_8));
      case Repeats.Turn.Busy _ ->
          refused(
              RelayError.unavailable(
                  "another call with this idempotency_key is under way: send it again after the"
                      + " time given"));
    };
  }

  private LeaseReply first(Call call, LeaseCall wanted, List<Route> chosen, String key) {
    LeaseReply reply = null;
    try {
      reply = search(call, wanted, chosen);
      return reply;
    } finally {
      if (reply instanceof LeaseReply.Done(byte[] json)) {
        repeats.granted(call.client(), key, new String(json, UTF_8));
      } else {
        repeats.refused(call.client(), key);
      }
    }
  }

  private LeaseReply search(Call call, LeaseCall wanted, List<Route> chosen) {
    try (LeaseSearch search =
        call.admission()
            .search(wanted, call.caller(), chosen, call.record(), call.cancellation())) {
      call.quota().accept(search.quota());
      return switch (search.first()) {
        case Outcome.Leased(Admitted admitted) -> granted(call, wanted, admitted);
        case Outcome.OutOfQuota refusal -> refused(refusal.error());
        case Outcome.NoCapacity refusal -> refused(refusal.error());
        case Outcome.Failed _ -> throw new IllegalStateException("nothing was sent");
        case Outcome.Cancelled _ -> new LeaseReply.Cancelled();
      };
    }
  }

  /** If this throws, or the worker has left, the search gives all back. */
  private LeaseReply granted(Call call, LeaseCall wanted, Admitted admitted) {
    if (call.cancellation().isCancelled()) {
      return new LeaseReply.Cancelled();
    }
    ids.prepare();
    admitted.begin();
    LeaseGrant grant = admitted.leaveOpen();
    String id = ids.of(LeaseTicket.of(grant, call.client(), wanted));
    return done(
        answer()
            .put("lease", id)
            .put("provider", grant.provider())
            .put("key", grant.lease().key())
            .put("account", account(grant.lease().group()))
            .put("model", admitted.plan().upstreamModel())
            .put("class", admitted.plan().modelClass())
            .put("requests", grant.requests())
            .<ObjectNode>set(
                "reserved",
                answer()
                    .put("input_tokens", part(grant, grant.lease().inputTokens()))
                    .put("output_tokens", part(grant, grant.lease().outputTokens())))
            .put("ttl_ms", wanted.ttl().toMillis()));
  }

  /** Where the client's own limits have room for fewer requests than the provider's. */
  private static long part(LeaseGrant grant, long tokens) {
    return Math.ceilDiv(tokens * grant.requests(), grant.lease().requests());
  }

  private static String account(String group) {
    return group.substring(0, group.lastIndexOf('/'));
  }

  static ObjectNode answer() {
    return JsonNodeFactory.instance.objectNode();
  }

  static LeaseReply done(ObjectNode json) {
    return new LeaseReply.Done(json.toString().getBytes(UTF_8));
  }

  static LeaseReply refused(RelayError error) {
    return new LeaseReply.Refused(error);
  }
}
