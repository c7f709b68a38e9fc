package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import relay.redis.RecordedRedis.Exchange;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.script.Reply;
import relay.redis.walk.History;
import relay.redis.walk.History.Call;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/**
 * A {@link History} of the requests of whole engines' clients. The recorded wire traffic tells
 * which requests shared a call, and so the order in which Redis executed them. Such a call lies
 * between the last of its requests and the first of their answers, and between its times on the
 * wire.
 */
final class EngineHistory {
  /** Index of FCALL's first key. */
  private static final int FLEET = 7; // in a survey's reply

  private static final int KEYS_FROM = 3;

  /** The reply of a large pool's index that asks for another call. */
  private static final Long LOOK_AGAIN = -5L;

  private static final List<Object> UNKNOWN_POOL = List.of(-3L);

  /**
   * A request with unique token counts.
   *
   * @param madeNanos before the call
   * @param answeredNanos after the answer
   */
  record Request(long input, long output, Acquisition answer, long madeNanos, long answeredNanos) {}

  /**
   * The end of a lease.
   *
   * @param requests 0 if it was cancelled
   */
  record Ending(String id, long requests, long input, long output, long madeNanos) {}

  private final PoolPlan plan;
  private final Map<String, Request> requests = new HashMap<>();
  private final Map<String, Ending> endings = new HashMap<>();
  private final List<Call> calls = new ArrayList<>();
  private long closedMicros = Long.MAX_VALUE; // when the first engine left
  private int mostTogether;
  private int mostTaken;

  EngineHistory(PoolPlan plan, List<Request> requests, List<Ending> endings) {
    this.plan = plan;
    requests.forEach(r -> this.requests.put(r.input() + " " + r.output(), r));
    endings.forEach(e -> this.endings.put(e.id(), e));
    assertEquals(requests.size(), this.requests.size(), "requests of equal sizes");
    assertEquals(endings.size(), this.endings.size(), "leases of one id");
  }

  /** Most requests that shared a call. */
  int mostTogether() {
    return mostTogether;
  }

  /** The maximum of endings carried by one acquire. */
  int mostTaken() {
    return mostTaken;
  }

  /** Each request and each ending must be in exactly one call. */
  History of(Stream<Exchange> exchanges) {
    exchanges.filter(e -> e.word(0).equals("FCALL")).forEach(this::add);
    assertEquals(Map.of(), requests, "no call has them");
    assertEquals(Map.of(), endings, "no call has them");
    // Engines close one by one after the last request, and the model has no engine that leaves
    calls.removeIf(c -> c.step() instanceof Step.Survey && c.poolMicros() >= closedMicros);
    calls.sort(Comparator.comparingLong(Call::poolMicros));
    Call first = calls.getFirst();
    return new History(
        (Step.Configure) first.step(), first.reply(), calls.subList(1, calls.size()));
  }

  private void add(Exchange e) {
    int keys = Integer.parseInt(e.word(2));
    List<String> args =
        e.command().subList(KEYS_FROM + keys, e.command().size()).stream()
            .map(String::valueOf)
            .toList();
    List<Object> reply = new ArrayList<>(reply(e)); // a history may be read again
    switch (function(e)) {
      case "acquire", "acquire_indexed" -> acquired(args, e, reply);
      case "settle" -> settled(args, e, reply);
      case "configure" -> {
        long known = Long.parseLong(args.get(2));
        calls.add(passed(e, new Step.Configure(known, Long.parseLong(args.get(3)), plan), reply));
      }
      case "survey" -> {
        if (args.get(4).equals("leave")) {
          closedMicros = Math.min(closedMicros, (Long) reply.get(1));
          return;
        }
        if (reply.equals(UNKNOWN_POOL)) { // a heartbeat before the first announcement
          assertEquals(0, mostTogether, "the pool was lost");
          return;
        }
        int groups = Integer.parseInt(args.get(5)); // after the replica's standing
        Step survey =
            new Step.Survey(
                args.getFirst(),
                Long.parseLong(args.get(3)),
                args.subList(7, 7 + groups),
                keysOf(args.subList(7 + groups, args.size())),
                List.of());
        // The model knows no fleet; FleetWalkTest checks that part
        if (!args.get(6).equals("-")) {
          reply.set(6, 0L); // nor who draws
          reply.removeLast(); // nor the breaker and refusals
          reply.removeLast(); // nor what clients have
          reply.removeLast(); // nor what is new
        }
        reply.set(FLEET, List.of(0L, List.of(), List.of(), List.of(), List.of(), ""));
        calls.add(passed(e, survey, reply));
      }
      case "learn", "breaker" -> {} // they do not touch the pool
      case String other -> throw new AssertionError("unexpected call of " + other);
    }
  }

  /** The keys of a survey, in its order; each is followed by its account. */
  private List<KeyPlan> keysOf(List<String> args) {
    List<KeyPlan> keys = new ArrayList<>();
    for (int n = 0; n < args.size(); n += 2) {
      String id = args.get(n);
      keys.add(plan.keys().stream().filter(key -> key.id().equals(id)).findFirst().orElseThrow());
    }
    return keys;
  }

  /** Without the name of the library. */
  private static String function(Exchange e) {
    return e.word(1).substring(e.word(1).indexOf('_', "relay_".length()) + 1);
  }

  @SuppressWarnings("unchecked") // a script's answer is an array
  private static List<Object> reply(Exchange e) {
    return (List<Object>) e.reply();
  }

  private static Call passed(Exchange e, Step step, List<Object> reply) {
    return new Call(e.sentNanos(), e.answeredNanos(), step, reply);
  }

  private void acquired(List<String> args, Exchange e, List<Object> raw) {
    List<Wish> wishes = new ArrayList<>();
    List<Object> reply = new ArrayList<>(raw.subList(0, 2));
    long made = e.sentNanos();
    long answered = e.answeredNanos();
    boolean indexed = function(e).equals("acquire_indexed");
    List<String> line = List.of(args.getFirst().split(" ", -1));
    int ended = Integer.parseInt(line.get(4));
    List<String> numbers = line.subList(indexed ? 10 : 5, line.size());
    List<String> ids = args.subList(indexed ? 1 : 2, args.size());
    List<Step.Cost> endings = new ArrayList<>();
    for (int n = 0; n < ended; n++) {
      Ending ending = ended(ids.get(n), numbers.subList(3 * n, 3 * n + 3));
      endings.add(cost(ending));
      reply.add(raw.get(2 + n));
      made = Math.max(made, ending.madeNanos());
    }
    mostTaken = Math.max(mostTaken, ended);
    List<String> tokens = numbers.subList(3 * ended, numbers.size());
    for (int n = 0; n < tokens.size() / 3; n++) {
      List<Object> told = raw.subList(2 + ended + 5 * n, 7 + ended + 5 * n);
      if (!told.getFirst().equals(LOOK_AGAIN)) { // it changed nothing, and another call carries it
        String sizes = tokens.get(3 * n) + " " + tokens.get(3 * n + 1);
        Request request = requests.remove(sizes);
        assertNotNull(request, () -> "nobody asked for it, or it was asked twice: " + sizes);
        same(request, (Long) raw.get(1), told);
        reply.addAll(told);
        wishes.add(new Wish(ids.get(ended + n), request.input(), request.output(), ""));
        made = Math.max(made, request.madeNanos());
        answered = Math.min(answered, request.answeredNanos());
      }
    }
    mostTogether = Math.max(mostTogether, wishes.size());
    List<String> fields = new ArrayList<>();
    for (KeyPlan key : plan.keys()) {
      fields.addAll(List.of("k:" + key.id(), "g:" + PoolPlan.group(key.account(), Pools.CLASS)));
    }
    long epoch = Long.parseLong(line.getFirst());
    long leaseMs = EngineOptions.DEFAULT_LEASE.toMillis();
    Step step =
        indexed
            ? new Step.AcquireIndexed(
                endings, wishes, epoch, leaseMs, List.of(), List.of(), List.of(), fields)
            : new Step.Acquire(endings, wishes, epoch, leaseMs, fields);
    calls.add(new Call(made, answered, step, reply));
  }

  /** A client must see Redis's answer to its own request, not to another of the same call. */
  private static void same(Request request, long time, List<Object> reply) {
    switch (request.answer()) {
      case Granted(Lease lease) -> {
        assertEquals(
            List.of(1L, lease.key(), lease.group(), lease.inputTokens(), lease.outputTokens()),
            reply);
        assertEquals(lease.grantedMicros(), time);
      }
      case Exhausted(Duration wait, Acquisition.Reason reason) ->
          assertEquals(
              List.of(0L, wait.toNanos() / 1_000, (long) Reply.REASONS.indexOf(reason)),
              reply.subList(0, 3));
      case Acquisition other -> throw new AssertionError(other + ", but " + reply);
    }
  }

  private void settled(List<String> args, Exchange e, List<Object> reply) {
    List<Step.Cost> costs = new ArrayList<>();
    long made = e.sentNanos();
    List<String> line = List.of(args.getFirst().split(" ", -1));
    assertEquals(2 + 3 * (args.size() - 1), line.size());
    for (int n = 1; n < args.size(); n++) {
      Ending ending = ended(args.get(n), line.subList(3 * n - 1, 3 * n + 2));
      costs.add(cost(ending));
      made = Math.max(made, ending.madeNanos());
    }
    mostTogether = Math.max(mostTogether, costs.size());
    calls.add(new Call(made, e.answeredNanos(), new Step.Settle(costs), reply));
  }

  /** The client's operation with these numbers. */
  private Ending ended(String id, List<String> numbers) {
    Ending ending = endings.remove(id);
    assertNotNull(ending, () -> "nobody ended it, or it was ended twice: " + id);
    assertEquals(
        ending.requests() + " " + ending.input() + " " + ending.output(),
        String.join(" ", numbers));
    return ending;
  }

  private static Step.Cost cost(Ending ending) {
    return new Step.Cost(ending.id(), ending.requests(), ending.input(), ending.output());
  }
}
