package relay.redis.script;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.PoolSnapshot.ConfigState;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Usage;

/** A reply of {@code survey}. The values of groups and keys follow in the order of the call. */
public record SurveyReply(List<Object> values) {
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

  /**
   * What a heartbeat tells beside the pool's state, so that nobody asks while nothing changes.
   *
   * @param paused whether the breaker is not closed
   * @param refusals the version of what accounts refuse
   * @param due whether more leases are due than it has checked
   */
  public record Beside(boolean paused, long refusals, boolean due) {}

  /** On the pool's clock, in microseconds. */
  long micros() {
    return number(1);
  }

  /** The epoch under which the pool was read. */
  long epoch() {
    return number(2);
  }

  /** Replicas that are alive. */
  int replicas() {
    return (int) number(3);
  }

  /** Leases that live. */
  long leases() {
    return number(4);
  }

  /** Leases that have expired. */
  long expiredLeases() {
    return number(5);
  }

  /** Whether the caller is to draw its plan's lines of the readable picture. */
  boolean draws() {
    return number(6) > 0;
  }

  /** Whether all of them: the picture has gone, or another replica drew it. */
  boolean drawsAll() {
    return number(6) == 2;
  }

  private long number(int index) {
    return Reply.number(values.get(index));
  }

  Fleet fleet() {
    List<Object> r = row(7);
    List<Object> told = Reply.list(r.get(1));
    List<ConfigState> configs = new ArrayList<>();
    for (int n = 0; n < told.size(); n += 3) {
      String hash = Reply.text(told.get(n));
      configs.add(
          new ConfigState(
              hash.equals(ConfigMark.NONE.hash()) ? "" : hash,
              Instant.ofEpochMilli(Reply.number(told.get(n + 1))),
              (int) Reply.number(told.get(n + 2))));
    }
    configs.sort(Comparator.comparing(ConfigState::since).reversed());
    List<Object> keys = Reply.list(r.get(4));
    List<KeyState> draining = new ArrayList<>();
    for (int n = 0; n < keys.size(); n += 8) {
      String reason = Reply.text(keys.get(n + 4));
      draining.add(
          new KeyState(
              Reply.text(keys.get(n)),
              Reply.text(keys.get(n + 1)),
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
        Reply.list(r.get(2)).stream().map(Reply::text).toList(),
        Reply.list(r.get(3)).stream().map(Reply::text).toList(),
        draining,
        Reply.text(r.get(5)));
  }

  News news() {
    List<Object> r = row(8);
    return new News(
        Reply.text(r.get(0)) + " " + Reply.number(r.get(1)),
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
            Reply.text(r.get(17)),
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
    String reason = Reply.text(r.get(2));
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

  /** The clients' shares of a pool that is short; none if the call asked for no news. */
  public List<ClientState> clients() {
    return values.size() > 9 ? SharedClients.of(row(9)) : List.of();
  }

  /** The reply to a call that asked for news, without groups and keys. */
  Beside beside() {
    List<Object> r = row(10);
    return new Beside(
        Reply.number(r.get(0)) == 1, Reply.number(r.get(1)), Reply.number(r.get(2)) == 1);
  }

  private List<Object> row(int index) {
    return Reply.list(values.get(index));
  }

  private static Duration micros(Object value) {
    return Duration.ofNanos(Reply.number(value) * 1000);
  }
}
