package relay.redis.script;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;

/**
 * The groups and keys of a plan as they were last read. Waiting times are counted down from there,
 * so a row stays true until Redis has news of it. Confined to one survey at a time.
 */
final class SurveyedRows {
  private final PoolPlan plan;
  private final Map<String, List<KeyPlan>> accounts = new LinkedHashMap<>();
  private final Map<String, String> wholes = new HashMap<>(); // organisation groups of workspaces
  private final Map<String, KeyPlan> keyPlans = new LinkedHashMap<>();
  private final Map<String, Row<GroupState>> groups = new HashMap<>();
  private final Map<String, Row<KeyState>> keys = new HashMap<>();
  // Their lines in Redis change with time alone, so they are read and drawn again, in turn.
  private final Set<String> cooling = new LinkedHashSet<>(); // keys and groups, as Redis's fields

  /** A script's description of a group or key at a time of the pool's clock. */
  private record Row<T>(T state, long micros) {
    Duration rest(Duration wait, long now) {
      Duration rest = wait.minusNanos((now - micros) * 1000);
      return wait.isZero() || rest.isNegative() ? Duration.ZERO : rest;
    }
  }

  /**
   * A part that one call reads.
   *
   * @param groups all groups of the keys' accounts among them, for a key may cool down by those
   */
  record Part(List<String> groups, List<KeyPlan> keys) {}

  SurveyedRows(PoolPlan plan) {
    this.plan = plan;
    for (String account : PoolPlan.accountsOf(plan.keys())) {
      accounts.put(account, new ArrayList<>());
      PoolPlan.whole(account)
          .ifPresent(
              whole ->
                  plan.allClasses()
                      .forEach(
                          c -> wholes.put(PoolPlan.group(account, c), PoolPlan.group(whole, c))));
    }
    for (KeyPlan key : plan.keys()) {
      accounts.getOrDefault(key.account(), List.of()).add(key);
      keyPlans.put(key.id(), key);
    }
  }

  PoolPlan plan() {
    return plan;
  }

  boolean isEmpty() {
    return keys.isEmpty() && groups.isEmpty();
  }

  /** Everything. A large account's groups are in each part that has some of its keys. */
  List<Part> all(int mostKeys) {
    return parts(keyPlans.values(), Set.of(), mostKeys);
  }

  /**
   * What has these fields in Redis, and some of what cools down.
   *
   * @param mostCooling fields of what cools down
   */
  List<Part> of(Collection<String> fields, int mostCooling, int mostKeys) {
    Set<String> wanted = new LinkedHashSet<>(fields);
    List<String> turn = cooling.stream().limit(mostCooling).toList();
    turn.forEach(cooling::remove); // it returns at the end when it is read
    wanted.addAll(turn);
    List<KeyPlan> some = new ArrayList<>();
    Set<String> alone = new LinkedHashSet<>();
    for (String field : wanted) {
      String id = field.substring(2);
      if (field.startsWith("k:")) {
        KeyPlan key = keyPlans.get(id);
        if (key != null) {
          some.add(key);
        }
      } else if (accounts.containsKey(account(id))) {
        alone.add(account(id));
      }
    }
    return parts(some, alone, mostKeys);
  }

  private static String account(String group) {
    return group.substring(0, Math.max(0, group.lastIndexOf('/')));
  }

  /** Parts of these keys, with their accounts' groups, and of these accounts' groups. */
  private List<Part> parts(Collection<KeyPlan> some, Set<String> alone, int most) {
    int classes = plan.allClasses().size();
    List<Part> parts = new ArrayList<>();
    Set<String> owners = new LinkedHashSet<>();
    Set<String> covered = new LinkedHashSet<>();
    List<KeyPlan> part = new ArrayList<>();
    for (KeyPlan key : some) {
      part.add(key);
      owners.addAll(PoolPlan.accountsOf(List.of(key)));
      if (part.size() == most || owners.size() * classes >= 2 * most) {
        parts.add(part(owners, part));
        covered.addAll(owners);
        owners.clear();
        part = new ArrayList<>();
      }
    }
    covered.addAll(owners);
    for (String account : alone) {
      if (!covered.contains(account)) {
        owners.add(account);
        if (owners.size() * classes >= 2 * most) {
          parts.add(part(owners, part));
          owners.clear();
          part = new ArrayList<>();
        }
      }
    }
    if (!owners.isEmpty()) {
      parts.add(part(owners, part));
    }
    return parts;
  }

  private Part part(Collection<String> owners, List<KeyPlan> part) {
    List<String> ids = new ArrayList<>();
    owners.forEach(a -> plan.allClasses().forEach(c -> ids.add(PoolPlan.group(a, c))));
    return new Part(ids, part);
  }

  /** Takes over the rows of a part. */
  void add(Part part, SurveyReply reply) {
    long micros = reply.micros();
    int at = 8;
    for (String id : part.groups()) {
      GroupState state = reply.group(at++, id).orElse(null);
      if (state == null) {
        groups.remove(id);
        continue;
      }
      Row<GroupState> before = groups.put(id, new Row<>(state, micros));
      boolean cools = !state.cooldown().isZero();
      if (cools != (before != null && !before.state().cooldown().isZero())) {
        // its keys begin or cease to cool down
        accounts
            .getOrDefault(state.account(), List.of())
            .forEach(key -> cooling.add("k:" + key.id()));
      }
      // what was used of a day leaves without a call
      if (cools || !state.dayUsed().equals(Days.Count.NONE)) {
        cooling.add("g:" + id);
      }
    }
    for (KeyPlan key : part.keys()) {
      KeyState state = reply.key(at++, key).orElse(null);
      if (state == null) {
        keys.remove(key.id());
        continue;
      }
      keys.put(key.id(), new Row<>(state, micros));
      if (!state.cooldown().isZero()) {
        cooling.add("k:" + key.id());
      }
    }
  }

  /**
   * The state at a time of the pool's clock.
   *
   * @param beat the reply of the heartbeat that found what was new
   */
  PoolSnapshot snapshot(SurveyReply beat, SurveyReply.Fleet fleet, long now) {
    List<GroupState> groupsNow = new ArrayList<>(groups.size());
    Duration opens = null;
    for (String id : plan.groups()) {
      Row<GroupState> row = groups.get(id);
      if (row != null) {
        GroupState state = agedGroup(row, opens(id, row, now), now);
        groupsNow.add(state);
        boolean isKind = plan.kinds().contains(state.modelClass());
        if (!isKind && !accounts.getOrDefault(state.account(), List.of()).isEmpty()) {
          opens = opens == null ? state.opens() : earlier(opens, state.opens());
        }
      }
    }
    List<KeyState> keysNow = new ArrayList<>(keys.size());
    for (KeyPlan key : plan.keys()) {
      Row<KeyState> row = keys.get(key.id());
      if (row != null) {
        keysNow.add(agedKey(row, now));
      }
    }
    fleet.draining().stream().filter(k -> !keyPlans.containsKey(k.id())).forEach(keysNow::add);
    return new PoolSnapshot(
        opens == null ? Duration.ZERO : opens,
        beat.replicas(),
        beat.leases(),
        beat.expiredLeases(),
        groupsNow,
        keysNow,
        fleet.configs(),
        beat.clients());
  }

  /** When the group has room, and the one whose limits bind beside its own. */
  private Duration opens(String group, Row<GroupState> row, long now) {
    Duration opens = row.rest(row.state().opens(), now);
    Row<GroupState> above = groups.get(wholes.getOrDefault(group, ""));
    return above == null ? opens : later(opens, above.rest(above.state().opens(), now));
  }

  private static GroupState agedGroup(Row<GroupState> row, Duration opens, long now) {
    GroupState g = row.state();
    if (g.cooldown().isZero() && g.opens().equals(opens)) {
      return g;
    }
    return new GroupState(
        g.id(),
        g.account(),
        g.modelClass(),
        g.limits(),
        g.used(),
        g.inFlight(),
        row.rest(g.cooldown(), now),
        opens,
        g.learned(),
        g.burst(),
        g.reservedOutput(),
        g.rule(),
        g.why(),
        g.dayLimits(),
        g.dayUsed());
  }

  private static KeyState agedKey(Row<KeyState> row, long now) {
    KeyState k = row.state();
    if (k.cooldown().isZero()) {
      return k;
    }
    return new KeyState(
        k.id(),
        k.account(),
        k.quarantine(),
        row.rest(k.cooldown(), now),
        k.inFlight(),
        k.maxConcurrent(),
        k.priority(),
        k.weight(),
        k.draining());
  }

  /** Time until a key that is not quarantined can carry the smallest request; null if none will. */
  static @Nullable Duration nextCapacity(PoolSnapshot state) {
    Map<String, Duration> frees = new HashMap<>();
    for (GroupState g : state.groups()) {
      if (g.modelClass().indexOf('+') < 0) { // a sub-quota does not tell of its account
        frees.merge(g.account(), g.opens(), SurveyedRows::earlier);
      }
    }
    Duration soonest = null;
    for (KeyState key : state.keys()) {
      Duration opens = frees.get(key.account());
      if (key.quarantine() == null && !key.draining() && opens != null) {
        boolean full = key.maxConcurrent() > 0 && key.inFlight() >= key.maxConcurrent();
        Duration at = later(later(opens, key.cooldown()), Duration.ofSeconds(full ? 1 : 0));
        soonest = soonest == null ? at : earlier(soonest, at);
      }
    }
    return soonest;
  }

  private static Duration earlier(Duration a, Duration b) {
    return a.compareTo(b) <= 0 ? a : b;
  }

  private static Duration later(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }
}
