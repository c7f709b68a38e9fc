package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Accounting;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.Candidates;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.QuarantineStep;
import relay.redis.walk.RestoreStep;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/**
 * Calls a pool's scripts on a real Redis, sixteen requests per call, at given times, and counts the
 * grants of each key.
 */
final class Picks {
  static final int TOGETHER = 16;
  private static final long EPOCH = 7;
  static final long LOOK_AGAIN = -5;
  private static final String CLASS = "model";

  /** So long that no lease expires. */
  static final long LEASE_MS = 3_600_000;

  /**
   * A grant or a refusal.
   *
   * @param key empty for a refusal
   * @param lease its id
   */
  record Pick(String key, String lease) {}

  private final ScriptConnection wire;
  private final RedisKeys names;
  private final PoolPlan plan;
  private final List<String> sets;
  private final List<String> fields = new ArrayList<>();
  private final Map<String, Long> counts = new HashMap<>();
  private long micros = 1_790_000_000_000_000L;
  private long next;

  Picks(ScriptConnection wire, Strategy strategy, List<KeyPlan> keys, Map<String, Limits> limits) {
    this(wire, strategy, keys, limits, List.of(CLASS));
  }

  /**
   * @param classes model classes, including the requests'
   */
  Picks(
      ScriptConnection wire,
      Strategy strategy,
      List<KeyPlan> keys,
      Map<String, Limits> limits,
      List<String> classes) {
    this.wire = wire;
    String name = Pools.name("fair");
    names = new RedisKeys("fair", name);
    plan =
        new PoolPlan(
            name,
            Duration.ofMinutes(1),
            strategy,
            Accounting.SLIDING_WINDOW,
            1,
            classes,
            keys,
            limits);
    Candidates candidates = new Candidates(plan, names);
    sets =
        candidates.readySets().stream()
            .map(set -> ScriptConnection.text(set).substring(names.base().length()))
            .toList();
    List<Object> rows = new ArrayList<>();
    candidates
        .rowsOf(keys)
        .forEach(c -> rows.addAll(List.of(c.set(), c.key().id(), c.group(), c.isLarge() ? 1 : 0)));
    for (byte[] field : candidates.fieldsOf(Demand.of(CLASS, 0, 0))) {
      fields.add(ScriptConnection.text(field));
    }
    call(new Step.Configure(0, EPOCH, plan, sets, rows));
    keys.forEach(key -> counts.put(key.id(), 0L));
  }

  /** Keys in separate accounts, with weights that repeat in a cycle. */
  static List<KeyPlan> keys(int count, int maxConcurrent, int... weights) {
    return IntStream.range(0, count)
        .mapToObj(n -> new KeyPlan("k" + n, "a" + n, 0, weights[n % weights.length], maxConcurrent))
        .toList();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(micros, 0));
  }

  void pass(long passedMicros) {
    micros += passedMicros;
  }

  /** Requests of 10 tokens each, each in its given conversation. */
  List<Pick> wish(int count, @Nullable String session) {
    List<Wish> wishes = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      wishes.add(new Wish("l" + next++, 5, 5, session == null ? "" : session));
    }
    Map<String, String> got = new HashMap<>();
    List<Wish> asked = wishes;
    while (!asked.isEmpty()) {
      asked = ask(asked, got);
    }
    return wishes.stream()
        .map(wish -> new Pick(got.getOrDefault(wish.id(), ""), wish.id()))
        .toList();
  }

  /** One request of this size in a separate call; returns whether it was granted. */
  boolean isGranted(long input, long output) {
    List<Wish> asked = List.of(new Wish("l" + next++, input, output, ""));
    Map<String, String> got = new HashMap<>();
    while (!asked.isEmpty()) {
      asked = ask(asked, got);
    }
    return !got.isEmpty();
  }

  /** The same, comparing all keys one by one, without the index. */
  boolean isGrantedByAny(long input, long output) {
    List<String> all = new ArrayList<>();
    plan.keys().forEach(key -> all.addAll(fieldsOf(key, CLASS)));
    return Long.valueOf(1)
        .equals(call(Step.acquire("l" + next++, EPOCH, input, output, LEASE_MS, all)).get(2));
  }

  private static List<String> fieldsOf(KeyPlan key, String modelClass) {
    return List.of("k:" + key.id(), "g:" + PoolPlan.group(key.account(), modelClass));
  }

  /** One request, in a call that first cancels the earlier grants. */
  Pick instead(Pick over) {
    Wish wish = new Wish("l" + next++, 5, 5, "");
    Map<String, String> got = new HashMap<>();
    var _ = ask(List.of(new Step.Cost(over.lease(), 0, 0, 0)), List.of(wish), got);
    return new Pick(got.getOrDefault(wish.id(), ""), wish.id());
  }

  private List<Wish> ask(List<Wish> wishes, Map<String, String> got) {
    return ask(List.of(), wishes, got);
  }

  /** Counts the granted keys; returns the requests that must be sent again. */
  private List<Wish> ask(List<Step.Cost> endings, List<Wish> wishes, Map<String, String> got) {
    List<Object> reply =
        call(
            sets.isEmpty()
                ? new Step.Acquire(endings, wishes, EPOCH, LEASE_MS, fields)
                : new Step.AcquireIndexed(
                    endings, wishes, EPOCH, LEASE_MS, mine(CLASS), sets, List.of(), fields));
    List<Wish> again = new ArrayList<>();
    for (int n = 0; n < wishes.size(); n++) {
      int at = 2 + endings.size() + 5 * n;
      long code = (Long) reply.get(at);
      if (code == 1) {
        String key = (String) reply.get(at + 1);
        got.put(wishes.get(n).id(), key);
        counts.merge(key, 1L, Long::sum);
      } else if (code == LOOK_AGAIN) {
        again.add(wishes.get(n));
      }
    }
    return again;
  }

  /** Sends many requests; returns each one's result. */
  List<String> many(int count) {
    List<String> all = new ArrayList<>();
    while (all.size() < count) {
      wish(Math.min(TOGETHER, count - all.size()), null).forEach(pick -> all.add(pick.key()));
    }
    return all;
  }

  private List<String> mine(String modelClass) {
    return sets.stream().filter(set -> set.contains(":" + modelClass + ":")).toList();
  }

  /** One request of another model class; returns whether it was granted. */
  boolean isGranted(String modelClass) {
    List<String> all = new ArrayList<>();
    plan.keys().forEach(key -> all.addAll(fieldsOf(key, modelClass)));
    Wish wish = new Wish("l" + next++, 5, 5, "");
    Step step =
        new Step.AcquireIndexed(
            List.of(), List.of(wish), EPOCH, LEASE_MS, mine(modelClass), sets, List.of(), all);
    return Long.valueOf(1).equals(call(step).get(2));
  }

  /** The provider states limits of requests. */
  void stated(KeyPlan key, long requests) {
    String group = PoolPlan.group(key.account(), CLASS);
    call(new Step.Observe(group, List.of(requests, 0L, 0L, 0L), sets));
  }

  /** The provider rate-limits the last grants, for a millisecond. */
  void refused(KeyPlan key) {
    String group = PoolPlan.group(key.account(), CLASS);
    Object now = call(new CooldownStep("g:" + group, 1, 0)).get(1);
    call(new CooldownStep("g:" + group, 1, (Long) now));
  }

  /** Cools the key's quota group down for a minute. */
  void cooled(KeyPlan key) {
    call(new CooldownStep("g:" + PoolPlan.group(key.account(), CLASS), 60_000, 0));
  }

  /** An operator restores the key. */
  void restored(KeyPlan key) {
    call(new RestoreStep(List.of("g:" + PoolPlan.group(key.account(), CLASS)), sets));
  }

  void quarantined(List<KeyPlan> keys) {
    call(new QuarantineStep("no credit", keys.stream().map(KeyPlan::id).toList()));
  }

  /** Cools one key down for a minute, its group stays. */
  void cooledAlone(KeyPlan key) {
    call(new CooldownStep("k:" + key.id(), 60_000, 0));
  }

  /** An operator restores the key alone. */
  void restoredAlone(KeyPlan key) {
    call(new RestoreStep(List.of("k:" + key.id()), sets));
  }

  void end(Pick pick) {
    call(new Step.Settle(List.of(new Step.Cost(pick.lease(), 1, 5, 5)), sets));
  }

  Map<String, Long> counts() {
    return Map.copyOf(counts);
  }

  long least() {
    return counts.values().stream().mapToLong(Long::longValue).min().orElse(0);
  }

  long most() {
    return counts.values().stream().mapToLong(Long::longValue).max().orElse(0);
  }

  void forget() {
    counts.replaceAll((key, count) -> 0L);
  }

  /** The chi-square distance of the counts from shares in proportion to the weights. */
  double chiSquare() {
    double weights = plan.keys().stream().mapToInt(KeyPlan::weight).sum();
    double all = counts.values().stream().mapToLong(Long::longValue).sum();
    double sum = 0;
    for (KeyPlan key : plan.keys()) {
      double expected = all * key.weight() / weights;
      sum += Math.pow(counts.getOrDefault(key.id(), 0L) - expected, 2) / expected;
    }
    return sum;
  }

  /** The value that chi-square exceeds by chance once in a thousand times (Wilson and Hilferty). */
  static double critical(int freedom) {
    double part = 2.0 / (9 * freedom);
    return freedom * Math.pow(1 - part + 3.09 * Math.sqrt(part), 3);
  }

  String statistics() {
    return String.format(
        Locale.ROOT,
        "%s, %d keys: %d to %d picks a key, chi-square %.2f (1 in 1000: %.1f)",
        plan.strategy(),
        plan.keys().size(),
        least(),
        most(),
        chiSquare(),
        critical(plan.keys().size() - 1));
  }
}
