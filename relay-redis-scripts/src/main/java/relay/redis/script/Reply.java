package relay.redis.script;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import relay.redis.estimate.ModelTally;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Usage;

/** A script's decoded reply. No other class reads the raw array. */
public sealed interface Reply {
  /** In the order of the scripts' numbers, from 0. */
  List<Reason> REASONS = List.of(Reason.values());

  /** A grant in shadow mode; how much more it is tells the reason. */
  int SHADOW = 10;

  /** The code of a grant has the requests of a lasting lease from here on. */
  int A_REQUEST = 1000;

  /** Values of a request in the reply of {@code acquire}. */
  int ACQUIRED = 5;

  /** And of {@code acquire_named}, which then tells what is left. */
  int NAMED = 13;

  /**
   * The lease was granted, now or by an earlier call.
   *
   * @param micros grant time on the pool's clock
   * @param wouldDeny why it would have been refused, were its key not in shadow mode
   * @param requests that it is for
   */
  record Grant(
      String key,
      String group,
      long inputTokens,
      long outputTokens,
      long micros,
      @Nullable Reason wouldDeny,
      int requests)
      implements Reply {}

  /** The lease was not granted. */
  record Refusal(Acquisition why) implements Reply {}

  /** A budget of the key has no room: its number from 0. */
  record OverBudget(int budget, Duration left) implements Reply {}

  /** What the limits of a key count, for a request that only asks. */
  record InUse(Usage used, long inFlight) implements Reply {}

  /** Redis does not know the pool, a group, a key or the lease. */
  record Unknown() implements Reply {}

  /** The lease had ended before. */
  record Ended() implements Reply {}

  /** The script compared its maximum of candidates without a match: call again. */
  record LookAgain() implements Reply {}

  /** No id that the request names is known, and its pool has an index. */
  record Unpinned() implements Reply {}

  /**
   * A lease was settled.
   *
   * @param overTokens tokens beyond the reservation
   */
  record Settled(long overTokens) implements Reply {}

  /** The call succeeded; {@code values} is the script's reply. */
  record Done(List<Object> values) implements Reply {
    public long number(int index) {
      return Reply.number(values.get(index));
    }
  }

  /**
   * The reply of {@code acquire}, one for each request.
   *
   * @param endings number of lease endings that precede in the reply
   */
  static List<Reply> ofAcquire(List<Object> r, int endings) {
    return ofRequests(r, endings, ACQUIRED);
  }

  /** The reply of {@code acquire_named}, one for each request. */
  static List<Reply> ofNamed(List<Object> r, int endings) {
    return ofRequests(r, endings, NAMED);
  }

  private static List<Reply> ofRequests(List<Object> r, int endings, int values) {
    List<Reply> all = new ArrayList<>();
    for (int n = 2 + endings; n + values <= r.size(); n += values) {
      all.add(ofRequest(r, n));
    }
    return all;
  }

  /** Where that reply begins to tell what is left for the key of a request. */
  static int leftAt(int endings, int request) {
    return 2 + endings + NAMED * request + ACQUIRED;
  }

  private static Reply ofRequest(List<Object> r, int at) {
    int code = (int) number(r.get(at));
    int requests = Math.max(1, code / A_REQUEST);
    if (code > 0) {
      code %= A_REQUEST;
    }
    if (code == 1 || code >= SHADOW) {
      return new Grant(
          SharedNames.of((byte[]) r.get(at + 1)),
          SharedNames.of((byte[]) r.get(at + 2)),
          number(r.get(at + 3)),
          number(r.get(at + 4)),
          number(r.get(1)),
          code == 1 ? null : REASONS.get(code - SHADOW),
          requests);
    }
    return switch (code) {
      case 0 ->
          new Refusal(
              new Exhausted(
                  Duration.ofNanos(number(r.get(at + 1)) * 1000),
                  REASONS.get((int) number(r.get(at + 2)))));
      case -1 ->
          new Refusal(
              new Impossible(REASONS.get((int) number(r.get(at + 1))), number(r.get(at + 2))));
      case 2 ->
          new InUse(
              new Usage(number(r.get(at + 1)), number(r.get(at + 2)), number(r.get(at + 3))),
              number(r.get(at + 4)));
      case -2 -> new Refusal(new NoneUsable());
      case -4 -> new Ended();
      case -7 ->
          new OverBudget(
              (int) number(r.get(at + 1)), Duration.ofNanos(number(r.get(at + 2)) * 1000));
      case -5 -> new LookAgain();
      case -6 -> new Unpinned();
      default -> throw unexpected(r);
    };
  }

  /** The outcomes of lease endings in a reply of {@code settle} or {@code acquire}. */
  static List<Reply> ofEndings(List<Object> r, int endings) {
    List<Reply> all = new ArrayList<>(endings);
    for (int n = 2; n < 2 + endings; n++) {
      long code = number(r.get(n));
      all.add(code >= 0 ? new Settled(code) : code == -4 ? new Ended() : new Unknown());
    }
    return all;
  }

  /** Whether a script did not know the pool. */
  static boolean isUnknown(List<Object> r) {
    return r.size() == 1 && number(r.getFirst()) == -3;
  }

  /** The reply of any other script. */
  static Reply of(List<Object> r) {
    return switch ((int) number(r.get(0))) {
      case -3 -> new Unknown();
      case 0 -> r.size() == 1 ? new Ended() : new Done(r);
      default -> new Done(r);
    };
  }

  /** The reply of a script that returns only a count. */
  static Reply ofCount(List<Object> r) {
    return number(r.get(0)) == -3 ? new Unknown() : new Done(r);
  }

  /** A part of the reply of {@code account}; the cursor of the next part is 0 after the last. */
  record Fields(String cursor, List<String> fields) {}

  /** The reply of {@code account}: fields of the state; none if the key is unknown. */
  static Fields ofFields(List<Object> r) {
    return isUnknown(r)
        ? new Fields("0", List.of())
        : new Fields(text(r.get(1)), r.stream().skip(2).map(Reply::text).toList());
  }

  /** The reply of {@code learn}: what is known of each model. */
  static Map<String, ModelTally> ofLearn(List<Object> r) {
    Map<String, ModelTally> known = new HashMap<>();
    for (int n = 2; n + 1 < r.size(); n += 2) {
      String model = text(r.get(n));
      ModelTally.read(text(r.get(n + 1))).ifPresent(tally -> known.put(model, tally));
    }
    return known;
  }

  /** The reply of {@code breaker}. */
  record Breaker(int state, long waitMs, boolean allowed) {}

  static Breaker ofBreaker(List<Object> r) {
    return new Breaker((int) number(r.get(1)), number(r.get(2)), number(r.get(3)) == 1);
  }

  /** The account that {@code owner} names, or the key that {@code probe} names, if any. */
  static Optional<String> ofNamed(List<Object> r) {
    return r.size() > 1 ? Optional.of(text(r.get(1))) : Optional.empty();
  }

  /**
   * The reply of {@code tallied}.
   *
   * @param replicas replicas that report counts
   * @param numbers four per client
   */
  record Tallied(List<String> replicas, List<Object> numbers) {

    /** Adds the standings of these clients, in the order of the call. */
    public void addTo(Map<String, InUse> all, List<String> clients) {
      for (int n = 0; n < clients.size(); n++) {
        Usage used = new Usage(number(4 * n), number(4 * n + 1), number(4 * n + 2));
        all.put(clients.get(n), new InUse(used, number(4 * n + 3)));
      }
    }

    private long number(int index) {
      return Reply.number(numbers.get(index));
    }
  }

  @SuppressWarnings("unchecked") // Lettuce gives a nested array as a list
  static List<Object> list(Object nested) {
    return (List<Object>) nested;
  }

  static Tallied ofTallied(List<Object> r) {
    return new Tallied(list(r.get(2)).stream().map(Reply::text).toList(), r.subList(3, r.size()));
  }

  /** On the pool's clock, in microseconds; 0 if the reply has none. */
  static long time(List<Object> r) {
    return r.size() > 1 ? number(r.get(1)) : 0;
  }

  static long number(Object value) {
    return value instanceof Long n ? n : Long.parseLong(text(value));
  }

  static String text(Object value) {
    return new String((byte[]) value, StandardCharsets.UTF_8);
  }

  private static IllegalStateException unexpected(List<Object> r) {
    return new IllegalStateException("unexpected reply of a script: " + r);
  }
}
