package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.stream.IntStream;
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
import relay.body.Payload;
import relay.metrics.LeaseMeters;
import relay.model.JsonString;
import relay.model.LeasePath;
import relay.model.RelayError;
import relay.redis.Notes;
import relay.redis.model.Lasting;

/**
 * The calls by which a worker takes part in the pools and calls the providers by itself. Which
 * replica gets a call does not matter: what one must know of a lease is in its id or in Redis.
 * Blocking code for a virtual thread.
 */
public final class LeaseApi {
  /** The most bytes of a call's body. */
  public static final int BODY_BYTES = 64 * 1024;

  /** What the replicas' notes are kept under. */
  public static final String NOTES = "@leases";

  private static final RelayError NO_REDIS =
      RelayError.unavailable(
          "the store of the leases cannot be reached: send the same call again after the time"
              + " given");

  private static final RelayError TOO_MANY =
      RelayError.rateLimited(
          "the client has %d leases open at all providers together, and may have no more: settle or cancel what is done"
              .formatted(Lasting.MOST_OPEN),
          Duration.ofSeconds(1));

  private final SignedIds ids;
  private final Repeats repeats;
  private final OpenLeaseSums sums = new OpenLeaseSums(System::nanoTime);

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
   * @param name what it does, in one word
   * @param quota is told the client's own limits, for the answer's headers
   */
  public record Call(
      String name,
      LeasePath path,
      Payload body,
      Admission admission,
      Caller caller,
      RequestRecord record,
      Cancellation cancellation,
      Consumer<ClientQuota> quota) {

    String client() {
      return caller.name();
    }
  }

  /**
   * Whether a client may not make a call; null if it may. One that may not use leases any more can
   * still give back those that it holds: it tells nothing of a provider by that.
   *
   * @param name of the call
   */
  public static @Nullable RelayError barred(Caller caller, String name) {
    boolean may = caller.restrictions() != null && caller.restrictions().bounds().leases();
    return may || name.equals("settle") || name.equals("cancel")
        ? null
        : RelayError.forbidden(
            "client %s may not use leases: its operator allows it by leases: true"
                .formatted(caller.name()));
  }

  /** By which Redis counts a client's open leases in a pool. */
  public static String ownerOf(String client) {
    return LeaseCall.ownerOf(client);
  }

  /** Does what a call asks for. */
  public LeaseReply serve(Call call) {
    try {
      return call.name().equals("acquire") ? acquire(call) : about(call);
    } catch (BadCallException e) {
      return refused(RelayError.invalid(e.reason()));
    } catch (CompletionException e) {
      return refused(NO_REDIS);
    }
  }

  private LeaseReply about(Call call) throws BadCallException {
    LeaseReply reply = new OpenLeaseCalls(ids, sums, call).serve(call.path().id());
    return reply != null
        ? reply
        : refused(RelayError.notFound("there is nothing at " + call.path().shown()));
  }

  private LeaseReply acquire(Call call) throws BadCallException {
    Wanted wanted = Wanted.of(call);
    String provider = wanted.provider();
    List<Route> chosen =
        call.admission()
            .providers(
                call.caller(),
                wanted.lease().model(),
                route -> provider.isEmpty() || route.name().equals(provider));
    if (chosen.isEmpty()) {
      return refused(
          RelayError.notFound(
              "no provider%s serves model '%s' to this client"
                  .formatted(
                      provider.isEmpty() ? "" : " '" + provider + "'", wanted.lease().model())));
    }
    return wanted.key().isEmpty()
        ? search(call, wanted.lease(), chosen)
        : once(call, wanted.lease(), chosen, wanted.key());
  }

  /** What an acquire says. */
  private record Wanted(LeaseCall lease, String provider, String key) {
    static Wanted of(Call call) throws BadCallException {
      CallBody body = CallBody.of(call.body());
      return new Wanted(
          LeaseCall.of(body, call.client()),
          body.text("provider", LeaseCall.MOST_LETTERS),
          body.text("idempotency_key", LeaseCall.MOST_LETTERS));
    }
  }

  /** A call that may be sent again has one effect. */
  private LeaseReply once(Call call, LeaseCall wanted, List<Route> chosen, String key) {
    Repeats.Turn turn =
        repeats.begin(call.client(), key, wanted.patience(), call.cancellation()::isCancelled);
    return switch (turn) {
      case Repeats.Turn.First first -> first(call, wanted, chosen, first);
      case Repeats.Turn.Answered(String json) -> new LeaseReply.Done(json.getBytes(UTF_8));
      case Repeats.Turn.Busy _ ->
          refused(
              RelayError.unavailable(
                  "another call with this idempotency_key is under way: send it again after the"
                      + " time given"));
    };
  }

  private LeaseReply first(
      Call call, LeaseCall wanted, List<Route> chosen, Repeats.Turn.First first) {
    LeaseReply reply = null;
    try {
      reply = search(call, wanted, chosen);
      return reply;
    } finally {
      if (reply instanceof LeaseReply.Done(byte[] json)) {
        first.granted(new String(json, UTF_8)).join(); // before the answer: it may get lost
      } else {
        var _ = first.refused();
      }
    }
  }

  private LeaseReply search(Call call, LeaseCall wanted, List<Route> chosen) {
    String owner = wanted.owner();
    if (!sums.begin(owner, owners -> open(call.admission().routes().all(), owners))) {
      call.record().meters().clients().denied(call.client(), "open_leases");
      return refused(TOO_MANY);
    }
    LeaseReply reply = null;
    try {
      reply = found(call, wanted, chosen);
      return reply;
    } finally {
      sums.asked(owner, reply instanceof LeaseReply.Done);
    }
  }

  /** How many leases owners have open in all pools. */
  private static CompletableFuture<List<Long>> open(List<Route> routes, List<String> owners) {
    CompletableFuture<List<Long>> sum =
        CompletableFuture.completedFuture(Collections.nCopies(owners.size(), 0L));
    for (Route route : routes) {
      sum =
          sum.thenCombine(
              route.pool().openLeases(owners),
              (a, b) -> IntStream.range(0, a.size()).mapToObj(n -> a.get(n) + b.get(n)).toList());
    }
    return sum;
  }

  private LeaseReply found(Call call, LeaseCall wanted, List<Route> chosen) {
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
    call.record().leaseCall(call.name(), LeasePath.shortened(id));
    call.record().leaseOf(grant.lease().key());
    count(call, LeaseMeters.Event.GRANTED, grant.provider());
    // Concatenated: Jackson's buffers are of no use to a virtual thread, which has each once
    return done(
        "{\"lease\":"
            + JsonString.quote(id)
            + ",\"provider\":"
            + JsonString.quote(grant.provider())
            + ",\"key\":"
            + JsonString.quote(grant.lease().key())
            + ",\"account\":"
            + JsonString.quote(account(grant.lease().group()))
            + ",\"model\":"
            + JsonString.quote(admitted.plan().upstreamModel())
            + ",\"class\":"
            + JsonString.quote(admitted.plan().modelClass())
            + ",\"requests\":"
            + grant.requests()
            + ",\"reserved\":{\"input_tokens\":"
            + part(grant, grant.lease().inputTokens())
            + ",\"output_tokens\":"
            + part(grant, grant.lease().outputTokens())
            + "},\"ttl_ms\":"
            + wanted.ttl().toMillis()
            + "}");
  }

  static void count(Call call, LeaseMeters.Event event, String pool) {
    call.record().meters().leases().became(event, call.client(), pool);
  }

  /** Where the client's own limits have room for fewer requests than the provider's. */
  private static long part(LeaseGrant grant, long tokens) {
    return Math.ceilDiv(tokens * grant.requests(), grant.lease().requests());
  }

  private static String account(String group) {
    return group.substring(0, group.lastIndexOf('/'));
  }

  static LeaseReply done(String json) {
    return new LeaseReply.Done(json.getBytes(UTF_8));
  }

  static LeaseReply refused(RelayError error) {
    return new LeaseReply.Refused(error);
  }
}
