package relay.redis;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;
import relay.redis.script.SurveyReply;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** A pool with limits a day, on a real Redis, at the times of a test. */
final class DayPool implements AutoCloseable {
  static final Duration SLOT = Duration.ofMinutes(10);
  private static final long EPOCH = 7;
  private static final long LEASE_MS = 10L * 24 * 3_600_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final RedisKeys names = new RedisKeys("days", Pools.name("p"));
  private Instant now;
  private PoolPlan plan;
  private int next;

  /** What a request was told: a wait if it was not granted, and the reason's number. */
  record Told(long code, String lease, Duration retryAfter, long reason, long input, long output) {
    boolean isGranted() {
      return code == 1;
    }
  }

  DayPool(Instant now, PoolPlan plan) {
    this.now = now;
    this.plan = plan;
    configure(plan);
  }

  @Override
  public void close() {
    wire.names(names.base()).forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
    wire.close();
  }

  /** Keys k0, k1, ... of accounts a0, a1, ..., each with these limits a day; days roll. */
  static PoolPlan plan(int keys, long requests, long tokens) {
    return plan(keys, requests, tokens, null, ZoneOffset.UTC);
  }

  static PoolPlan plan(
      int keys, long requests, long tokens, @Nullable LocalTime starts, ZoneId zone) {
    Map<String, Days.Count> limits = new HashMap<>();
    List<KeyPlan> all =
        IntStream.range(0, keys).mapToObj(n -> new KeyPlan("k" + n, "a" + n, 0, 1, 0)).toList();
    if (requests + tokens > 0) {
      all.forEach(
          k ->
              limits.put(
                  PoolPlan.group(k.account(), Pools.CLASS), new Days.Count(requests, tokens)));
    }
    return new PoolPlan(
        "days",
        Duration.ofMinutes(1),
        Strategy.LEAST_LOADED,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        all,
        Map.of(),
        false,
        new Days(limits, starts, zone));
  }

  Instant now() {
    return now;
  }

  void at(Instant time) {
    now = time;
  }

  void pass(Duration time) {
    now = now.plus(time);
  }

  void configure(PoolPlan changed) {
    plan = changed;
    call(new Step.Configure(EPOCH, EPOCH, changed));
  }

  private List<Object> call(Step step) {
    return ScriptConnection.readable(raw(step));
  }

  /** The reply with texts as bytes. */
  private List<Object> raw(Step step) {
    long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    Clock clock = new Clock(micros, 0);
    return wire.reply(step.script(), step.keys(names), step.args(clock).toArray());
  }

  private List<String> fields() {
    List<String> fields = new ArrayList<>();
    plan.keys()
        .forEach(
            k -> fields.addAll(List.of("k:" + k.id(), "g:" + k.account() + "/" + Pools.CLASS)));
    return fields;
  }

  Told ask(long input, long output) {
    String id = "l" + next++;
    return told(id, call(Step.acquire(id, EPOCH, input, output, LEASE_MS, fields())));
  }

  /** The same call once more. */
  Told again(String id, long input, long output) {
    return told(id, call(Step.acquire(id, EPOCH, input, output, LEASE_MS, fields())));
  }

  private static Told told(String id, List<Object> r) {
    long code = (Long) r.get(2);
    return code == 1
        ? new Told(code, id, Duration.ZERO, 0, (Long) r.get(5), (Long) r.get(6))
        : new Told(
            code,
            id,
            Duration.ofNanos(Reply.number(r.get(3)) * 1000),
            Reply.number(r.get(4)),
            0,
            0);
  }

  void settle(Told lease, long input, long output) {
    call(Step.settle(lease.lease(), input, output));
  }

  void cancel(Told lease) {
    call(Step.cancel(lease.lease()));
  }

  void charge(String id, long requests, long tokens) {
    call(ChargeStep.ended(id, "a0/" + Pools.CLASS, requests, tokens, 0));
  }

  /** The group of the n-th key. */
  PoolSnapshot.GroupState group(int n) {
    List<Object> reply = raw(new Step.Survey("", 1, plan.groups(), plan.keys(), List.of()));
    return new SurveyReply(reply).group(8 + n, plan.groups().get(n)).orElseThrow();
  }

  Days.Count used() {
    return group(0).dayUsed();
  }

  /** The group's line of the readable picture. */
  String line() {
    group(0);
    return ScriptConnection.text(
        wire.redis().hget(names.picture, RedisKeys.bytes("a0/" + Pools.CLASS)));
  }

  /** How long all that Redis holds of the pool outlives its last use. */
  Duration shortestLife() {
    return wire.names(names.base()).stream()
        .filter(name -> !name.endsWith(":keys"))
        .map(name -> Duration.ofMillis(wire.redis().pttl(RedisKeys.bytes(name))))
        .min(Duration::compareTo)
        .orElseThrow();
  }
}
