package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Accounting;
import relay.redis.model.Demand;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.Announcement;
import relay.redis.script.Candidates;
import relay.redis.script.ConfigMark;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;

/**
 * Random walks of three replicas that change their plans one by one, fall silent, leave and come
 * back, with requests all the time. At no step is a limit larger than that of a live replica's
 * plan, or anything charged lost. Once the replicas have heard of each other, the limits are the
 * smallest of the live plans, and a key that none has is gone, or drains.
 */
@Tag("slow")
final class FleetWalkTest {
  private static final List<Dimension> DIMENSIONS =
      List.of(Dimension.REQUESTS, Dimension.INPUT_TOKENS);
  private static final int STEPS = 300;
  private static final int WALKS = 40;
  private static final long BEGIN = 1_790_000_000_000_000L;
  private static final long SILENCE = 11_000_000; // longer than a replica counts
  private static final long LEASE_MS = 86_400_000;

  static LongStream seeds() {
    long only = Long.getLong("relay.fleet.seed", 0);
    return only > 0 ? LongStream.of(only) : LongStream.rangeClosed(1, WALKS);
  }

  /** A replica, and what it knows. */
  private static final class Member {
    final String id;
    Candidates candidates;
    boolean live;
    long heardAt;

    Member(String id, Candidates candidates) {
      this.id = id;
      this.candidates = candidates;
    }

    PoolPlan plan() {
      return candidates.plan();
    }
  }

  private record Held(String lease, String key, String group, long input) {}

  private final RedisKeys names = new RedisKeys("fleet", Pools.name("p"));
  private final List<Member> members = new ArrayList<>();
  private final List<Held> held = new ArrayList<>();
  private final Map<String, Long> charged = new HashMap<>();
  private long now = BEGIN;
  private long epoch;
  private int leases;

  @ParameterizedTest
  @MethodSource("seeds")
  void limits_and_keys_are_those_of_the_live_plans(long seed) {
    Random random = new Random(seed);
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      for (int n = 0; n < 3; n++) {
        Member member = new Member("r" + n, candidates(random));
        members.add(member);
        announce(wire, member);
      }
      for (int step = 0; step < STEPS; step++) {
        now += 1_000 + random.nextInt(200_000);
        Member member = members.get(random.nextInt(members.size()));
        switch (random.nextInt(20)) {
          case 0, 1, 2 -> {
            member.candidates = candidates(random);
            announce(wire, member);
          }
          case 3 -> leave(wire, member);
          case 4 -> silence(wire, member);
          case 5, 6, 7, 8 -> {
            if (member.live) {
              survey(wire, member);
            }
          }
          case 9, 10 -> agree(wire);
          case 11, 12, 13, 14 -> settle(wire, random);
          default -> acquire(wire, member, random);
        }
        assertNoneIsLarger(wire, "seed " + seed + " step " + step);
      }
    }
  }

  /** Six keys at most, on three accounts; they move, and so do their limits. */
  private Candidates candidates(Random random) {
    List<KeyPlan> keys = new ArrayList<>();
    Map<String, Limits> limits = new HashMap<>();
    for (int k = 0; k < 6; k++) {
      if (random.nextInt(3) > 0 || (k == 5 && keys.isEmpty())) {
        String account = "a" + random.nextInt(3);
        keys.add(
            new KeyPlan("k" + k, account, random.nextInt(3), random.nextInt(3), random.nextInt(4)));
        limits.computeIfAbsent(
            PoolPlan.group(account, Pools.CLASS),
            g -> new Limits(limit(random), limit(random), 0, 0));
      }
    }
    PoolPlan plan =
        new PoolPlan(
            "fleet",
            Duration.ofDays(1), // nothing ages out
            Strategy.LEAST_LOADED,
            Accounting.SLIDING_WINDOW,
            1,
            List.of(Pools.CLASS),
            keys,
            limits);
    return new Candidates(plan, names);
  }

  private static long limit(Random random) {
    return random.nextInt(4) == 0 ? 0 : 1_000 * (1 + random.nextInt(20));
  }

  private Clock clock() {
    return Clock.known(now, now);
  }

  private void announce(ScriptConnection wire, Member member) {
    Announcement announcement = new Announcement(member.candidates, 200);
    List<Object> args = new ArrayList<>(List.of(0, clock().told()));
    announcement
        .args(0, epoch, 0, member.id, new ConfigMark("hash", 1))
        .forEach(arg -> args.add(ScriptConnection.text(arg)));
    byte[][] keys = StepKeys.configured(names);
    List<Object> reply = wire.call(ScriptFile.CONFIGURE, keys, args.toArray());
    assertEquals(1L, reply.getFirst());
    epoch = (Long) reply.get(2);
    member.live = true;
    survey(wire, member); // its heartbeat begins
  }

  /** As a replica does: what it is asked to announce again, it does. Returns the reply. */
  private List<Object> survey(ScriptConnection wire, Member member) {
    List<Object> reply =
        look(wire, member.id, member.candidates.planId() + " hash 1", member.plan());
    member.heardAt = now;
    forgetTheSilent();
    return reply;
  }

  private void forgetTheSilent() {
    for (Member member : members) {
      if (member.live && member.heardAt < now - 10_000_000) {
        member.live = false;
      }
    }
  }

  private List<Object> look(ScriptConnection wire, String replica, String standing, PoolPlan plan) {
    List<Object> args = new ArrayList<>(List.of(replica, 0, clock().told(), 0, standing));
    args.add(plan.groups().size());
    args.add("-");
    args.addAll(plan.groups());
    plan.keys().forEach(key -> args.addAll(List.of(key.id(), key.account())));
    byte[][] keys = StepKeys.surveyed(names);
    return wire.call(ScriptFile.SURVEY, keys, args.toArray());
  }

  private void leave(ScriptConnection wire, Member member) {
    if (members.stream().filter(m -> m.live).count() > 1 && member.live) {
      assertEquals(1L, look(wire, member.id, "leave", member.plan()).getFirst());
      member.live = false;
    }
  }

  /** All others go on; it is heard of no longer. */
  private void silence(ScriptConnection wire, Member member) {
    if (members.stream().anyMatch(m -> m.live && m != member)) {
      for (long passed = 0; passed <= SILENCE; passed += SILENCE / 4) {
        now += SILENCE / 4;
        members.stream().filter(m -> m.live && m != member).forEach(m -> survey(wire, m));
      }
    }
  }

  private void acquire(ScriptConnection wire, Member member, Random random) {
    if (!member.live || held.size() > 20) {
      return;
    }
    long input = random.nextInt(300);
    String id = "l" + leases++;
    Step step = Step.acquire(id, epoch, input, 0, LEASE_MS, fields(member));
    List<Object> reply = call(wire, step);
    if (reply.size() > 1 && reply.get(2).equals(1L)) {
      String key = (String) reply.get(3);
      assertTrue(member.plan().keys().stream().anyMatch(k -> k.id().equals(key)), key);
      held.add(new Held(id, key, (String) reply.get(4), input));
      charged.merge((String) reply.get(4), (Long) reply.get(5), Long::sum);
    } else if (reply.getFirst().equals(-3L)) {
      announce(wire, member); // it was silent, and its keys were forgotten
    }
  }

  private static List<String> fields(Member member) {
    List<String> fields = new ArrayList<>();
    for (byte[] field : member.candidates.fieldsOf(Demand.of(Pools.CLASS, 0, 0))) {
      fields.add(RedisKeys.text(field));
    }
    return fields;
  }

  private void settle(ScriptConnection wire, Random random) {
    if (!held.isEmpty()) {
      Held one = held.remove(random.nextInt(held.size()));
      List<Object> reply = call(wire, Step.settle(one.lease(), one.input(), 0));
      assertTrue((Long) reply.get(2) >= 0, one + ": " + reply);
    }
  }

  private List<Object> call(ScriptConnection wire, Step step) {
    return wire.call(step, names, clock());
  }

  /** At no time, for each group of a plan that a live replica has announced. */
  private void assertNoneIsLarger(ScriptConnection wire, String where) {
    List<PoolPlan> live = livePlans();
    for (PoolPlan plan : live) {
      List<Object> reply = look(wire, "", "-", plan);
      for (int n = 0; n < plan.groups().size(); n++) {
        String group = plan.groups().get(n);
        List<?> row = (List<?>) reply.get(8 + n);
        for (int d = 0; d < 2; d++) {
          long holds = (Long) row.get(6 + d);
          long least = least(live, group, DIMENSIONS.get(d));
          assertTrue(
              least == 0 || (holds > 0 && holds <= least),
              where + ": " + group + " " + d + " has " + holds + ", wanted " + least);
        }
        assertEquals(charged.getOrDefault(group, 0L), row.get(1), where + ": used of " + group);
        assertEquals(held.stream().filter(h -> h.group().equals(group)).count(), row.get(3), where);
      }
    }
  }

  private List<PoolPlan> livePlans() {
    return members.stream().filter(m -> m.live).map(Member::plan).toList();
  }

  /** The smallest limit that is known; 0 if none is. */
  private static long least(List<PoolPlan> plans, String group, Dimension dimension) {
    return plans.stream()
        .filter(plan -> plan.groups().contains(group))
        .mapToLong(plan -> plan.limitsOf(group).of(dimension))
        .filter(limit -> limit > 0)
        .min()
        .orElse(0);
  }

  /** The replicas hear of each other, and announce again what they are asked to. */
  private void agree(ScriptConnection wire) {
    boolean again = true;
    for (int round = 0; again; round++) {
      assertTrue(round < 4, "they never agree");
      again = false;
      now += 500_000;
      for (Member member : members) {
        if (member.live) {
          List<?> fleet = (List<?>) survey(wire, member).get(7);
          if (fleet.getFirst().equals(1L)) {
            again = true;
            announce(wire, member);
          }
        }
      }
    }
    List<PoolPlan> live = livePlans();
    for (Member member : members) {
      if (member.live) {
        List<Object> reply = survey(wire, member);
        check(live, member.plan(), reply);
        checkGone(live, reply);
      }
    }
  }

  private void check(List<PoolPlan> live, PoolPlan plan, List<Object> reply) {
    List<String> groups = plan.groups();
    for (int n = 0; n < groups.size(); n++) {
      List<?> row = (List<?>) reply.get(8 + n);
      for (int d = 0; d < 2; d++) {
        assertEquals(least(live, groups.get(n), DIMENSIONS.get(d)), row.get(6 + d), groups.get(n));
      }
    }
    for (int n = 0; n < plan.keys().size(); n++) {
      String id = plan.keys().get(n).id();
      List<?> row = (List<?>) reply.get(8 + groups.size() + n);
      long most =
          live.stream()
              .flatMap(p -> p.keys().stream())
              .filter(k -> k.id().equals(id) && k.maxConcurrent() > 0)
              .mapToLong(KeyPlan::maxConcurrent)
              .min()
              .orElse(0);
      assertEquals(most, row.get(3), id);
      assertEquals(held.stream().filter(h -> h.key().equals(id)).count(), row.get(0), id);
      assertTrue(
          live.stream()
              .flatMap(p -> p.keys().stream())
              .anyMatch(k -> k.id().equals(id) && k.priority() == (Long) row.get(4)),
          id + ": a priority that no plan has");
    }
  }

  /** What no plan has drains while it has leases; then nothing is left of it. */
  private void checkGone(List<PoolPlan> live, List<Object> reply) {
    Set<String> known = new TreeSet<>();
    live.forEach(plan -> plan.keys().forEach(key -> known.add(key.id())));
    Map<String, Long> expected = new TreeMap<>();
    held.stream()
        .filter(h -> !known.contains(h.key()))
        .forEach(h -> expected.merge(h.key(), 1L, Long::sum));
    List<?> told = (List<?>) ((List<?>) reply.get(7)).get(4);
    Map<String, Long> draining = new TreeMap<>();
    for (int n = 0; n < told.size(); n += 8) {
      draining.put((String) told.get(n), (Long) told.get(n + 2));
    }
    assertEquals(expected, draining);
  }
}
