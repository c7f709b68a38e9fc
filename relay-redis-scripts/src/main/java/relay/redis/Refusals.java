package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.library.ScriptFile;
import relay.redis.link.FailureReason;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.report.ServedLately;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * What a pool's accounts refused and served of late, by model and client, for all replicas. It
 * tells a request's own fault from the state of a key, and a model that an account refuses from its
 * class. Thread-safe.
 *
 * <p>The evidence is in Redis. Each replica tells twice a second which models its accounts served,
 * and asks when one refuses a request. What accounts refuse comes with the replies, so that a
 * request needs no call to know it.
 */
public final class Refusals {
  private static final Logger log = LoggerFactory.getLogger(Refusals.class);
  private static final byte[] REAL_TIME = {};
  private static final String NOW = "0";
  private static final String FORGOTTEN = "-";

  private final RedisLink link;
  private final RedisKeys keys;
  private final LongSupplier nanoTime;
  private final ServedLately served;
  private final HeardBeat heard;
  private volatile long version;
  private volatile Map<String, List<Refused>> refused = Map.of(); // by model

  Refusals(RedisLink link, EngineOptions options, String pool, LongSupplier nanoTime) {
    this.link = link;
    this.nanoTime = nanoTime;
    keys = new RedisKeys(options.prefix(), pool);
    served = new ServedLately(nanoTime);
    heard = new HeardBeat(nanoTime);
  }

  /**
   * What happened to requests of a client for a model, at one quota group.
   *
   * @param what {@link #SERVED}, or the caller's word for a kind of refusal
   * @param age of the last one
   */
  public record Event(String what, String model, String client, Duration age) {}

  /**
   * The requests for a model that a refusal concerns: of a group, from a size on, of one client or
   * all.
   */
  public record Scope(String group, String model, long leastBytes, String client) {

    /** All requests for the model. */
    public static Scope ofModel(String group, String model) {
      return new Scope(group, model, 0, "");
    }

    /** The requests among these whose input has at least this many bytes. */
    public Scope from(long inputBytes) {
      return new Scope(group, model, inputBytes, client);
    }

    /** The requests among these that one client sends. */
    public Scope of(String name) {
      return new Scope(group, model, leastBytes, name);
    }

    private String field() {
      return String.join("\t", group, Long.toString(leastBytes), model, client);
    }
  }

  /** Until when an account refuses what. */
  private record Refused(Scope scope, long untilNanos) {}

  /** The kind of event of a request that was served. */
  public static final String SERVED = "served";

  /** An account served a request. */
  public void served(String group, String model, String client) {
    served.served(group, model, client);
  }

  /**
   * An account refused a request. The future never fails: without Redis nothing is known but what
   * this replica served.
   *
   * @return what was known of the group before
   */
  public CompletableFuture<List<Event>> refused(
      String group, String what, String model, String client) {
    List<Call> all = new ArrayList<>();
    List<Event> own = new ArrayList<>();
    long now = nanoTime.getAsLong();
    for (ServedLately.Served one : served.of(group)) {
      all.add(told(one));
      Duration age = Duration.ofNanos(Math.max(0, now - one.nanos()));
      own.add(new Event(SERVED, one.model(), one.client(), age));
    }
    if (ServedLately.areKept(model, client)) {
      all.add(new Call(group, what, model, client, NOW));
    }
    if (all.isEmpty()) {
      return CompletableFuture.completedFuture(own);
    }
    return call(all, true)
        .handle(
            (reply, failure) -> {
              if (reply != null) {
                received(reply);
                own.addAll(reply.events());
              }
              return own;
            });
  }

  /** Another kind of event takes the place of a refusal. */
  public void retract(String group, String what, String instead, String model, String client) {
    if (ServedLately.areKept(model, client)) {
      send(
          List.of(
              new Call(group, what, model, client, FORGOTTEN),
              new Call(group, instead, model, client, NOW)));
    }
  }

  /** Remembers an event. */
  public void note(String group, String what, String model, String client) {
    if (ServedLately.areKept(model, client)) {
      send(List.of(new Call(group, what, model, client, NOW)));
    }
  }

  /**
   * Requests of this scope avoid the account for a time, on all replicas.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   * @return completes when it holds here; never fails
   */
  public CompletableFuture<Void> refuse(Scope scope, Duration howLong) {
    if (!ServedLately.areKept(scope.model(), scope.client())) {
      return CompletableFuture.completedFuture(null);
    }
    byte[][] args = {REAL_TIME, bytes(scope.field()), bytes(howLong.toMillis())};
    return link.call(ScriptFile.REFUSE, new byte[][] {keys.refused}, args)
        .handle(
            (raw, failure) -> {
              long left =
                  raw == null ? Math.max(1_000, howLong.toMillis()) : Reply.number(raw.get(1));
              if (failure != null) {
                log.warn(
                    "Redis did not store that {} refuses {}: {}",
                    scope.group(),
                    scope.model(),
                    FailureReason.of(failure));
              }
              if (left > 0) {
                add(new Refused(scope, nanoTime.getAsLong() + left * 1_000_000));
              }
              return null;
            });
  }

  private synchronized void add(Refused one) {
    Map<String, List<Refused>> next = new HashMap<>(refused);
    List<Refused> ofModel = new ArrayList<>(next.getOrDefault(one.scope().model(), List.of()));
    ofModel.removeIf(before -> before.scope().equals(one.scope()));
    ofModel.add(one);
    next.put(one.scope().model(), List.copyOf(ofModel));
    refused = next;
  }

  /**
   * The quota groups that now refuse such a request, each with the time that is left; empty mostly.
   */
  public Map<String, Duration> refusing(String model, long inputBytes, String client) {
    Map<String, List<Refused>> all = refused;
    List<Refused> ofModel = all.isEmpty() ? null : all.get(model);
    if (ofModel == null) {
      return Map.of();
    }
    Map<String, Duration> found = new HashMap<>();
    long now = nanoTime.getAsLong();
    for (Refused one : ofModel) {
      Scope scope = one.scope();
      long left = one.untilNanos() - now;
      if (left > 0
          && inputBytes >= scope.leastBytes()
          && (scope.client().isEmpty() || scope.client().equals(client))) {
        found.merge(scope.group(), Duration.ofNanos(left), (a, b) -> a.compareTo(b) > 0 ? a : b);
      }
    }
    return Map.copyOf(found);
  }

  /** Called twice a second. */
  void tick() {
    if (link.isUp()) {
      List<Call> all = new ArrayList<>();
      served.take().forEach(one -> all.add(told(one)));
      if (!all.isEmpty() || heard.isOld()) {
        send(all);
      }
    }
  }

  /** A heartbeat of the pool saw this version of what accounts refuse. */
  void saw(long present) {
    heard.now();
    if (present != version) {
      send(List.of());
    }
  }

  private Call told(ServedLately.Served one) {
    long age = Math.max(0, nanoTime.getAsLong() - one.nanos()) / 1_000_000;
    return new Call(one.group(), SERVED, one.model(), one.client(), Long.toString(age));
  }

  /** One event of a call. */
  private record Call(String group, String what, String model, String client, String age) {}

  private void send(List<Call> events) {
    var _ = call(events, false).thenAccept(this::received); // a failure loses some evidence
  }

  private CompletableFuture<Evidence> call(List<Call> events, boolean tell) {
    List<byte[]> k = new ArrayList<>(List.of(keys.refused));
    List<byte[]> args = new ArrayList<>(List.of(REAL_TIME, bytes(version), bytes(tell ? 1 : 0)));
    for (Call event : events) {
      k.add(keys.evidence(event.group()));
      args.add(bytes(event.what()));
      args.add(bytes(event.model()));
      args.add(bytes(event.client()));
      args.add(bytes(event.age()));
    }
    return link.call(ScriptFile.EVIDENCE, k.toArray(byte[][]::new), args.toArray(byte[][]::new))
        .thenApply(Evidence::of);
  }

  private synchronized void received(Evidence reply) {
    if (reply.version() == version) {
      return;
    }
    version = reply.version();
    long now = nanoTime.getAsLong();
    Map<String, List<Refused>> next = new HashMap<>();
    reply
        .refused()
        .forEach(
            (field, left) -> {
              String[] part = field.split("\t", -1);
              if (part.length == 4) {
                Scope scope = new Scope(part[0], part[2], Long.parseLong(part[1]), part[3]);
                next.computeIfAbsent(scope.model(), _ -> new ArrayList<>())
                    .add(new Refused(scope, now + left * 1_000_000));
              }
            });
    refused = next;
  }
}
