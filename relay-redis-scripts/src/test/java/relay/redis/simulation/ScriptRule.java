package relay.redis.simulation;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.redis.Pools;
import relay.redis.ScriptConnection;
import relay.redis.lease.ReportPace;
import relay.redis.model.Accounting;
import relay.redis.model.ExpectedOutput;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;
import relay.redis.walk.Wish;

/** The engine as an admission rule: its scripts on a real Redis, at the simulation's time. */
final class ScriptRule implements AdmissionRule {
  private static final long EPOCH = 7;
  private static final long LEASE_MS = 3_600_000;
  private static final List<String> FIELDS = List.of("k:key", "g:account/model");

  private final ScriptConnection wire;
  private final RedisKeys names = new RedisKeys("accuracy", Pools.name("p"));
  private final long limit;
  private final Accounting accounting;

  ScriptRule(ScriptConnection wire, Accounting accounting, long limit, long now) {
    this.wire = wire;
    this.limit = limit;
    this.accounting = accounting;
    PoolPlan plan =
        new PoolPlan(
            "accuracy",
            Duration.ofMinutes(1),
            Strategy.LEAST_LOADED,
            accounting,
            1,
            List.of("model"),
            List.of(new KeyPlan("key", "account", 0, 1, 0)),
            Map.of("account/model", new Limits(0, 0, limit, 0)));
    call(now, new Step.Configure(0, EPOCH, plan));
  }

  private List<Object> call(long now, Step step) {
    return wire.call(step, names, new Clock(now, 0));
  }

  @Override
  public @Nullable Pass admit(long now, long number, int replica, Ask ask) {
    long tokens = ask.tokens();
    Wish wish = new Wish("l" + number, 0, tokens, ask.spread(), "");
    List<Object> reply = call(now, new Step.Acquire(List.of(wish), EPOCH, LEASE_MS, FIELDS));
    return (Long) reply.get(2) == 1 ? new Pass(number, replica, now, tokens) : null;
  }

  @Override
  public void report(long now, Pass pass, long made, ExpectedOutput rest) {
    HeldLease.Report report =
        new HeldLease.Report("l" + pass.number(), made, rest.tokens(), rest.spread());
    call(now, new Step.Renew(LEASE_MS, List.of(HeldLease.of(report))));
  }

  @Override
  public void told(long now, Pass pass, long left, long fullMs) {
    List<Long> stated = List.of(0L, 0L, limit, 0L);
    List<Long> rest = List.of(-1L, -1L, left, -1L);
    List<Long> full = List.of(-1L, -1L, fullMs, -1L);
    call(now, new Step.Observe("account/model", stated, rest, pass.at(), full, List.of()));
  }

  @Override
  public ReportPace pace(long now) {
    StoredPool stored = new StoredPool(wire.redis().hgetall(names.state));
    double shrunk = stored.number("g:account/model", StoredPool.SHRUNK);
    double since = now - stored.number("g:account/model", StoredPool.SHRUNK_AT);
    double hours = Math.floor(Math.max(0, since) / 3_600_000_000.0);
    return AdmissionRule.paceOf(accounting, Math.min(1, shrunk * Math.pow(2, hours)));
  }

  @Override
  public void settle(long now, Pass pass, long tokens) {
    call(now, Step.settle("l" + pass.number(), 0, tokens));
  }

  @Override
  public void refused(long now, Pass pass, long waitMicros) {
    call(now, new CooldownStep("g:account/model", waitMicros / 1000, pass.at()));
    settle(now, pass, 0);
  }

  @Override
  public long largest() {
    return limit;
  }

  /** Deletes everything in Redis. */
  void delete() {
    wire.names(names.base()).forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
  }
}
