package relay.redis.script;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import relay.redis.estimate.ModelTally;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.PoolSnapshot.ConfigState;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Lease;
import relay.redis.model.Usage;

/** A script's decoded reply. No other class reads the raw array. */
public sealed interface Reply {
  /** In the order of the scripts' numbers, from 0. */
  List<Reason> REASONS = List.of(Reason.values());

  /** A grant in shadow mode; how much more it is tells the reason. */
  int SHADOW = 10;

  /** Values of a request in the reply of {@code acquire}. */
  int ACQUIRED = 5;

  /** And of {@code acquire_named}, which then tells what is left. */
  int NAMED = 13;

  /**
   * The lease was granted, now or by an earlier call.
   *
   * @param micros grant time on the pool's clock
   * @param wouldDeny why it would have been refused, were its key not in shadow mode
   */
  record Grant(
      String key,
      String group,
      long inputTokens,
      long outputTokens,
      long micros,
      @Nullable Reason wouldDeny)
      implements Reply {

    /** The lease, which ends by {@code end}. */
    public Lease lease(Lease.End end, String id, long epoch) {
      return new Lease(end, id, key, group, inputTokens, outputTokens, epoch, micros, wouldDeny);
    }
  }

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

  /**
   * What {@code survey} tells of the replicas and their plans.
   *
   * @param again whether the caller is to announce its plan again
   * @param sets ready sets of other plans
   * @param unused ready sets of none
   * @param draining keys that no plan has any longer
   */
  record Fleet(
      boolean again,
      List<ConfigState> configs,
      List<String> sets,
      List<String> unused,
      List<KeyState> draining,
      String replicas) {}

  /**
   * What is new to the caller of {@code survey}.
   *
   * @param position the end of the news, for the next call
   * @param all whether it must read everything
   * @param crowded whether it must do so every few seconds
   * @param fields otherwise the fields of the groups and keys that changed
   */
  record News(String position, boolean all, boolean crowded, List<String> fields) {}

  /** The call succeeded; {@code values} is the script's reply. */
  record Done(List<Object> values) implements Reply {
    public long number(int index) {
      return Reply.number(values.get(index));
    }

    Fleet fleet(int index) {
      List<Object> r = row(index);
      List<Object> told = list(r.get(1));
      List<ConfigState> configs = new ArrayList<>();
      for (int n = 0; n < told.size(); n += 3) {
        String hash = text(told.get(n));
        configs.add(
            new ConfigState(
                hash.equals(ConfigMark.NONE.hash()) ? "" : hash,
                Instant.ofEpochMilli(Reply.number(told.get(n + 1))),
                (int) Reply.number(told.get(n + 2))));
      }
      configs.sort(Comparator.comparing(ConfigState::since).reversed());
      List<Object> keys = list(r.get(4));
      List<KeyState> draining = new ArrayList<>();
      for (int n = 0; n < keys.size(); n += 8) {
        String reason = text(keys.get(n + 4));
        draining.add(
            new KeyState(
                text(keys.get(n)),
                text(keys.get(n + 1)),
                reason.isEmpty() ? null : reason,
                micros(keys.get(n + 3)),
                Reply.number(keys.get(n + 2)),
                (int) Reply.number(keys.get(n + 5)),
                (int) Reply.number(keys.get(n + 6)),
                (int) Reply.number(keys.get(n + 7)),
                true));
      }
      return new Fleet(
          Reply.number(r.get(0)) == 1,
          configs,
          list(r.get(2)).stream().map(Reply::text).toList(),
          list(r.get(3)).stream().map(Reply::text).toList(),
          draining,
          text(r.get(5)));
    }

    News news(int index) {
      List<Object> r = row(index);
      return new News(
          text(r.get(0)) + " " + Reply.number(r.get(1)),
          Reply.number(r.get(2)) == 1,
          Reply.number(r.get(2)) == 2,
          r.subList(3, r.size()).stream().map(Reply::text).toList());
    }

    /** A group's row of {@code survey}; empty if Redis does not know the group. */
    public Optional<GroupState> group(int index, String id) {
      List<Object> r = row(index);
      if (r.isEmpty()) {
        return Optional.empty();
      }
      int slash = id.lastIndexOf('/');
      return Optional.of(
          new GroupState(
              id,
              id.substring(0, slash),
              id.substring(slash + 1),
              new Limits(
                  Reply.number(r.get(6)),
                  Reply.number(r.get(7)),
                  Reply.number(r.get(8)),
                  Reply.number(r.get(9))),
              new Usage(Reply.number(r.get(0)), Reply.number(r.get(1)), Reply.number(r.get(2))),
              Reply.number(r.get(3)),
              micros(r.get(4)),
              micros(r.get(5)),
              new Limits(
                  Reply.number(r.get(10)),
                  Reply.number(r.get(11)),
                  Reply.number(r.get(12)),
                  Reply.number(r.get(13))),
              Reply.number(r.get(14)) / 1000.0,
              Reply.number(r.get(15)),
              Reply.number(r.get(16)) == 1 ? Accounting.TOKEN_BUCKET : Accounting.SLIDING_WINDOW,
              text(r.get(17)),
              day(r, 18),
              day(r, 20)));
    }

    private static Days.Count day(List<Object> r, int at) {
      return r.size() <= at
          ? Days.Count.NONE
          : new Days.Count(Reply.number(r.get(at)), Reply.number(r.get(at + 1)));
    }

    /** A key's row of {@code survey}; empty if Redis does not know the key. */
    Optional<KeyState> key(int index, KeyPlan plan) {
      List<Object> r = row(index);
      if (r.isEmpty()) {
        return Optional.empty();
      }
      String reason = text(r.get(2));
      return Optional.of(
          new KeyState(
              plan.id(),
              plan.account(),
              reason.isEmpty() ? null : reason,
              micros(r.get(1)),
              Reply.number(r.get(0)),
              (int) Reply.number(r.get(3)),
              (int) Reply.number(r.get(4)),
              (int) Reply.number(r.get(5))));
    }

    /** What clients have of a pool that is short; none if the call asked for no news. */
    public List<ClientState> clients(int index) {
      return index < values.size() ? SharedClients.of(row(index)) : List.of();
    }

    private List<Object> row(int index) {
      return list(values.get(index));
    }

    private static Duration micros(Object value) {
      return Duration.ofNanos(Reply.number(value) * 1000);
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
    if (code == 1 || code >= SHADOW) {
      return new Grant(
          SharedNames.of((byte[]) r.get(at + 1)),
          SharedNames.of((byte[]) r.get(at + 2)),
          number(r.get(at + 3)),
          number(r.get(at + 4)),
          number(r.get(1)),
          code == 1 ? null : REASONS.get(code - SHADOW));
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
