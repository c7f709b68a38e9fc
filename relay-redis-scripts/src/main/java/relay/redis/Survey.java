package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import relay.redis.PoolSnapshot.GroupState;
import relay.redis.PoolSnapshot.KeyState;

/** Combines the slices of a survey into a snapshot. */
final class Survey {
  private final PoolPlan plan;
  private final Set<String> seen = new HashSet<>();
  private final List<GroupState> groups = new ArrayList<>();
  private final List<KeyState> keys = new ArrayList<>();
  private int replicas;
  private long leases;
  private long expired;
  private boolean isFirst = true;
  private boolean drawsPicture;
  private Reply.Fleet fleet = Reply.Fleet.NONE;

  Survey(PoolPlan plan) {
    this.plan = plan;
  }

  /** The groups of these keys. A large account's groups are part of each of its slices. */
  List<String> groups(List<KeyPlan> slice) {
    return slice.stream()
        .map(KeyPlan::account)
        .distinct()
        .flatMap(account -> plan.modelClasses().stream().map(c -> PoolPlan.group(account, c)))
        .toList();
  }

  boolean hasBegun() {
    return !isFirst;
  }

  /** Whether the first slice found that the readable picture is stale. */
  boolean drawsPicture() {
    return drawsPicture;
  }

  /** The age in ms beyond which the picture is redrawn; the first slice decides for all. */
  long pictureAgeMs(long staleMs, long neverMs) {
    return isFirst ? staleMs : drawsPicture ? 0 : neverMs;
  }

  void add(List<KeyPlan> slice, List<String> sliceGroups, Reply.Done reply) {
    if (isFirst) {
      isFirst = false;
      replicas = (int) reply.number(3);
      leases = reply.number(4);
      expired = reply.number(5);
      drawsPicture = reply.number(6) == 1;
      fleet = reply.fleet(7);
    }
    int at = 8;
    for (String group : sliceGroups) {
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
