package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.ChargeStep.Part;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;

/**
 * Random walks of several replicas through losses of all data. They find a loss at different times,
 * and tell what they used in any order, some twice, some late; requests end meanwhile, and a
 * replica dies. At each step the windows hold what a log of all that was told holds, slot by slot:
 * never less, and nothing twice. A provider with a bucket never has to refuse.
 */
@Tag("slow")
final class RecallWalkTest {
  private static final int STEPS = 900;
  private static final long WINDOW = 60_000_000;
  private static final long SLOT = 125_521; // microseconds: 241/240 of a window, in 480 parts
  private static final int SLOTS = 480;
  private static final long TOMBSTONES = 25_000_000; // of ended leases, before they are forgotten
  private static final long LEASE_MS = 3_600_000;
  private static final Limits LIMITS = new Limits(240, 24_000, 0, 0);

  private final RedisKeys names = new RedisKeys("test", Pools.name("told"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final List<KeyPlan> keys =
      List.of(
          new KeyPlan("k0", "o/a", 0, 1, 0),
          new KeyPlan("k1", "o/b", 0, 1, 0),
          new KeyPlan("k2", "c", 0, 1, 0));
  private final PoolPlan plan = Pools.plan("told", Duration.ofMinutes(1), keys, LIMITS);
  private final Map<String, Request> log = new LinkedHashMap<>(); // by lease
  private final List<Replica> replicas = new ArrayList<>();
  private final Map<String, double[]> buckets = new HashMap<>(); // the provider's: level and time
  private long now = 1_790_000_000_000_000L;
  private long epoch; // of the state
  private long fresh = 100;
  private String trace = "";

  /** What a provider sees of a request; its cost is known when it has ended. */
  private static final class Request {
    final String id;
    final Replica of;
    final KeyPlan key;
    final String group;
    final long since;
    final long input;
    final long output;
    long epoch; // of the state that holds it
    boolean isCancelled;
    long endedAt;
    long usedInput;
    long usedOutput;

    Request(String id, Replica of, KeyPlan key, long since, long input, long output) {
      this.id = id;
      this.of = of;
      this.key = key;
      group = PoolPlan.group(key.account(), Pools.CLASS);
      this.since = since;
      this.input = input;
      this.output = output;
      usedInput = input;
      usedOutput = output;
    }

    boolean runs() {
      return endedAt == 0;
    }

    /** When it counts, and how much: requests, input, output. */
    List<long[]> parts() {
      List<long[]> parts = new ArrayList<>();
      if (!isCancelled) {
        parts.add(new long[] {since, 1, Math.min(input, usedInput), Math.min(output, usedOutput)});
        long overInput = Math.max(0, usedInput - input);
        long overOutput = Math.max(0, usedOutput - output);
        if (overInput + overOutput > 0) {
          parts.add(new long[] {endedAt, 0, overInput, overOutput});
        }
      }
      return parts;
    }
  }

  private static final class Replica {
    final String name;
    long epoch;
    boolean isDead;
    final Deque<Runnable> toTell = new ArrayDeque<>();
    final List<Runnable> told = new ArrayList<>(); // may be told again

    Replica(String name) {
      this.name = name;
    }
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(now, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void the_windows_hold_what_was_told_and_each_request_once(int seed) {
    Random random = new Random(seed);
    for (int n = 0; n < 4; n++) {
      replicas.add(new Replica("r" + n));
    }
    replicas.forEach(this::discover);
    for (int n = 0; n < STEPS; n++) {
      now += random.nextInt(12) > 0 ? random.nextInt(400_000) : random.nextInt(9_000_000);
      List<Replica> live = replicas.stream().filter(r -> !r.isDead).toList();
      Replica by = live.get(random.nextInt(live.size()));
      switch (random.nextInt(40)) {
        case 0 -> {
          if (random.nextInt(3) == 0) {
            lose(random);
          }
        }
        case 1, 2, 3, 4, 5, 6, 7, 8 -> tell(by);
        case 9, 10 -> tellAgain(by, random);
        case 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22 -> end(by, random);
        default -> acquire(by, random, n);
      }
      check(random.nextInt(3) == 0);
    }
    now += 2 * WINDOW;
    check(true);
  }

  /** Sometimes a replica dies with it; another takes its place. */
  private void lose(Random random) {
    wire.redis().del(names.state, names.win, names.leases, names.due, names.later, names.picture);
    epoch = 0;
    if (random.nextInt(2) == 0) {
      Replica dead = replicas.get(random.nextInt(replicas.size()));
      dead.isDead = true;
      Replica newcomer = new Replica("r" + replicas.size());
      replicas.add(newcomer);
    }
  }

  /** A reply said that the pool is unknown: what is told is fixed now, but for what ends later. */
  private void discover(Replica by) {
    if (by.epoch == epoch && epoch != 0) {
      return;
    }
    List<Object> reply = call(new Step.Configure(by.epoch, fresh++, plan));
    boolean hadOne = by.epoch != 0;
    epoch = (long) reply.get(2);
    by.epoch = epoch;
    by.toTell.clear();
    by.told.clear();
    if (!hadOne) {
      return;
    }
    long under = epoch;
    List<Request> mine =
        new ArrayList<>(
            log.values().stream()
                .filter(one -> one.of == by && one.epoch != under && isRecent(one))
                .toList());
    mine.stream()
        .filter(Request::runs)
        .forEach(one -> by.toTell.add(() -> chargeRunning(one, under)));
    List<String> groups = plan.groups();
    for (int part = 0; part < groups.size(); part++) {
      String group = groups.get(part);
      int number = part;
      List<Request> some =
          mine.stream().filter(one -> !one.runs() && one.group.equals(group)).toList();
      by.toTell.add(() -> tellPart(by, under, number, group, some));
    }
  }

  private boolean isRecent(Request one) {
    return Math.max(one.since, one.endedAt) > now - WINDOW - 10 * SLOT || one.runs();
  }

  private void chargeRunning(Request one, long under) {
    if (under != epoch || (!one.runs() && now - one.endedAt > TOMBSTONES)) {
      return;
    }
    List<Part> parts = List.of(new Part(now - one.since, 1, one.input, one.output));
    String key = one.key.id();
    Object reply = call(new ChargeStep(one.id, one.group, parts, key, LEASE_MS, WINDOW)).getFirst();
    trace += " charge " + one.id + "=" + reply;
    boolean isNew = one.epoch != under && one.runs();
    assertEquals(isNew ? 1L : 0L, reply, this::toString);
    one.epoch = under;
  }

  private void tellPart(Replica by, long under, int part, String group, List<Request> some) {
    StringBuilder text = new StringBuilder();
    for (Request one : some) {
      for (long[] p : one.parts()) {
        text.append(' ').append(now - p[0]).append(' ').append(p[1]);
        text.append(' ').append(p[2]).append(' ').append(p[3]);
      }
    }
    String all = String.join(" ", replicas.stream().map(r -> r.name).toList());
    Object[] args = {
      0, now, under, by.name, part, plan.groups().size(), all, group, text.toString().strip()
    };
    Object reply =
        wire.call(ScriptFile.RECALL, new byte[][] {names.state, names.win}, args).getFirst();
    trace += " tell " + by.name + "/" + part + "=" + reply;
    assertEquals(under == epoch ? 1L : -3L, reply, this::toString);
    if (under == epoch) {
      some.forEach(one -> one.epoch = under);
    }
  }

  private void tell(Replica by) {
    discover(by);
    Runnable next = by.toTell.poll();
    if (next != null) {
      next.run();
      by.told.add(next);
    }
  }

  private void tellAgain(Replica by, Random random) {
    if (by.epoch == epoch && !by.told.isEmpty()) {
      by.told.get(random.nextInt(by.told.size())).run();
    }
  }

  private void acquire(Replica by, Random random, int n) {
    discover(by);
    KeyPlan key = keys.get(random.nextInt(keys.size()));
    String group = PoolPlan.group(key.account(), Pools.CLASS);
    long input = 1L + random.nextInt(200);
    long output = random.nextInt(100);
    List<String> fields = List.of("k:" + key.id(), "g:" + group);
    List<Object> reply = call(Step.acquire("l" + n, epoch, input, output, LEASE_MS, fields));
    if (reply.get(2).equals(1L)) {
      Request one = new Request("l" + n, by, key, now, input, output);
      one.epoch = epoch;
      log.put(one.id, one);
      PoolPlan.levels(group).forEach(this::spend);
    }
  }

  /** The provider's bucket holds the limit of requests, and fills at its rate. */
  private void spend(String group) {
    double[] bucket = buckets.computeIfAbsent(group, g -> new double[] {0, now});
    double left = bucket[0] - (now - bucket[1]) * LIMITS.requests() / WINDOW;
    bucket[0] = Math.max(0, left) + 1;
    bucket[1] = now;
    boolean isLimited = plan.limitsOf(group).requests() > 0;
    assertTrue(!isLimited || bucket[0] <= LIMITS.requests(), () -> group + " of " + this);
  }

  /** Settles or cancels a request, perhaps before its replica has found that it is lost. */
  private void end(Replica by, Random random) {
    List<Request> running = log.values().stream().filter(r -> r.of == by && r.runs()).toList();
    if (running.isEmpty()) {
      return;
    }
    Request one = running.get(random.nextInt(running.size()));
    one.endedAt = now;
    one.isCancelled = random.nextInt(6) == 0;
    if (!one.isCancelled) {
      one.usedInput = random.nextInt(3) > 0 ? random.nextLong(1 + one.input) : one.input + 30;
      one.usedOutput = random.nextInt(3) > 0 ? random.nextLong(1 + one.output) : one.output + 30;
    }
    boolean wasFound = by.epoch == epoch && epoch != 0;
    Step step =
        one.isCancelled ? Step.cancel(one.id) : Step.settle(one.id, one.usedInput, one.usedOutput);
    List<Object> reply = call(step);
    trace += " end " + one.id + "=" + reply;
    if (one.epoch == epoch) {
      assertTrue((long) reply.get(2) >= 0, this::toString);
      assertEquals(-4L, call(step).get(2), this::toString); // once
    } else if (!wasFound) {
      discover(by); // and it is told with all others
    } else if (!one.isCancelled) {
      // it would be charged as one that runs: that has not come yet
      List<Part> parts =
          one.parts().stream().map(p -> new Part(now - p[0], p[1], p[2], p[3])).toList();
      assertEquals(1L, call(ChargeStep.ended(one.id, one.group, parts)).getFirst(), this::toString);
      one.epoch = epoch;
    }
  }

  private static long slot(long micros) {
    return Math.floorDiv(micros, SLOT);
  }

  /** The records, rolled up to now: requests, input, output, in flight. */
  private void check(boolean isDue) {
    if (!isDue || epoch == 0) {
      return;
    }
    List<String> groups = new ArrayList<>(plan.groups());
    call(new Step.Survey("", 0, groups, List.of(), List.of()));
    StoredPool stored = new StoredPool(wire.redis().hgetall(names.state));
    for (String group : groups) {
      double[] held = new double[4];
      double[] known = new double[4];
      for (int d = 1; d <= 3; d++) {
        held[d - 1] = stored.number("g:" + group, StoredPool.USED + d);
      }
      held[3] = stored.number("g:" + group, StoredPool.FLIGHT);
      for (Request one : log.values()) {
        if (one.epoch == epoch && PoolPlan.levels(one.group).contains(group)) {
          known[3] += one.runs() ? 1 : 0;
          for (long[] p : one.parts()) {
            for (int d = 1; d <= 3 && slot(p[0]) >= slot(now) - SLOTS; d++) {
              known[d - 1] += p[d];
            }
          }
        }
      }
      assertEquals(numbers(known), numbers(held), () -> group + " of " + this);
    }
  }

  private static List<Double> numbers(double[] all) {
    List<Double> list = new ArrayList<>();
    for (double one : all) {
      list.add(one);
    }
    return Collections.unmodifiableList(list);
  }

  @Override
  public String toString() {
    String last = trace.substring(Math.max(0, trace.length() - 300));
    return "the replicas " + replicas.stream().map(r -> r.name + "@" + r.epoch).toList() + last;
  }
}
