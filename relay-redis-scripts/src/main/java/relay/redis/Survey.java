package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import relay.redis.PoolSnapshot.GroupState;
import relay.redis.PoolSnapshot.KeyState;

/** Puts the slices of a survey together. */
final class Survey {
  private final PoolPlan plan;
  private final Set<String> seen = new HashSet<>();
  private final List<GroupState> groups = new ArrayList<>();
  private final List<KeyState> keys = new ArrayList<>();
  private int replicas;
  private long leases;
  private long expired;
  private boolean first = true;
  private boolean drawn;
  private Reply.Fleet fleet = Reply.Fleet.NONE;

  Survey(PoolPlan plan) {
    this.plan = plan;
  }

  /** The groups of these keys. Those of a large account come with each slice of it. */
  List<String> groups(List<KeyPlan> slice) {
    return slice.stream()
        .map(KeyPlan::account)
        .distinct()
        .flatMap(account -> plan.modelClasses().stream().map(c -> PoolPlan.group(account, c)))
        .toList();
  }

  boolean hasBegun() {
    return !first;
  }

  /** Whether the first slice found the readable picture out of date. */
  boolean draws() {
    return drawn;
  }

  /** The age that makes the readable picture stale: what the first slice decides holds for all. */
  long draws(long staleMs, long neverMs) {
    return first ? staleMs : drawn ? 0 : neverMs;
  }

  void add(List<KeyPlan> slice, List<String> slicesGroups, Reply.Done reply) {
    if (first) {
      first = false;
      replicas = (int) reply.number(3);
      leases = reply.number(4);
      expired = reply.number(5);
      drawn = reply.number(6) == 1;
      fleet = reply.fleet(7);
    }
    int at = 8;
    for (String group : slicesGroups) {
      Optional<GroupState> state = reply.group(at++, group);
      if (seen.add(group)) {
        state.ifPresent(groups::add);
      }
    }
    for (KeyPlan key : slice) {
      reply.key(at++, key).ifPresent(keys::add);
    }
  }

  /** What it says of all replicas. */
  Reply.Fleet fleet() {
    return fleet;
  }

  private boolean isGone(KeyState key) {
    return plan.keys().stream().noneMatch(known -> known.id().equals(key.id()));
  }

  PoolSnapshot snapshot() {
    Duration opens =
        groups.stream().map(GroupState::opens).min(Duration::compareTo).orElse(Duration.ZERO);
    List<KeyState> all = new ArrayList<>(keys);
    fleet.draining().stream().filter(this::isGone).forEach(all::add);
    return new PoolSnapshot(opens, replicas, leases, expired, groups, all, fleet.configs());
  }
}
