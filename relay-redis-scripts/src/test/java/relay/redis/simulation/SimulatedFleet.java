package relay.redis.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import relay.redis.Pools;
import relay.redis.ScriptConnection;
import relay.redis.VirtualTime;
import relay.redis.library.ScriptFile;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;
import relay.redis.report.LimitNews;
import relay.redis.script.RedisKeys;
import relay.redis.script.SurveyReply;
import relay.redis.script.ToldLimits;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;

/**
 * Three replicas before one account of a provider, by the scripts on a real Redis and what a
 * replica tells them of answers, in virtual time. Requests that are refused here are gone.
 */
final class SimulatedFleet {
  static final long START = 1_790_000_000_000_000L;
  static final long EPOCH = 7;
  static final String GROUP = "account0/model";
  private static final int REPLICAS = 3;
  private static final long BEAT = 500_000;
  private static final List<String> FIELDS = List.of("k:key0", "g:" + GROUP);

  /** What headers state beside the limit. */
  enum Headers {
    /** Milliseconds until it is full. */
    EXACT,
    /** A time and a date in whole seconds. */
    SECONDS,
    LEFT_ONLY,
    NONE
  }

  final VirtualTime time = new VirtualTime(START);
  final RedisKeys names = new RedisKeys("fleet", Pools.name("p"));
  final ScriptConnection wire;
  final Duration window;
  final long limit;
  private final Headers headers;
  private StatedAccount account;
  private final SplittableRandom random = new SplittableRandom(42);
  private final List<Replica> replicas = new ArrayList<>();
  long sent;
  long served;
  long refusedHere;
  long refusedThere;
  private long number;
  private boolean refuses;

  private static final class Replica {
    ToldLimits told = new ToldLimits();
    LimitNews news = new LimitNews();
    @Nullable PoolSnapshot latest;
  }

  SimulatedFleet(
      ScriptConnection wire,
      Accounting accounting,
      Duration window,
      long limit,
      Headers headers,
      StatedAccount account) {
    this.wire = wire;
    this.window = window;
    this.limit = limit;
    this.headers = headers;
    this.account = account;
    configure(accounting);
    for (int n = 0; n < REPLICAS; n++) {
      Replica replica = new Replica();
      replicas.add(replica);
      String name = "r" + n;
      time.at(START + n * BEAT / REPLICAS, () -> beat(replica, name));
    }
  }

  void configure(Accounting accounting) {
    PoolPlan plan =
        Pools.plan("fleet", window, accounting, Pools.keys(1, 1, 0), new Limits(limit, 0, 0, 0));
    var _ = call(new Step.Configure(0, EPOCH, plan));
  }

  /** The replicas start again: they remember nothing. */
  void restart() {
    for (Replica replica : replicas) {
      replica.told = new ToldLimits();
      replica.news = new LimitNews();
      replica.latest = null;
    }
  }

  void provider(StatedAccount other) {
    account = other;
  }

  List<Object> call(Step step) {
    return wire.call(step, names, new Clock(time.now(), 0));
  }

  PoolSnapshot.GroupState state() {
    Step survey = new Step.Survey("", 0, List.of(GROUP), List.of(), List.of());
    return surveyed(survey.args(new Clock(time.now(), 0)));
  }

  private PoolSnapshot.GroupState surveyed(List<Object> args) {
    byte[][] keys = StepKeys.surveyed(names);
    return new SurveyReply(wire.reply(ScriptFile.SURVEY, keys, args.toArray()))
        .group(8, GROUP)
        .orElseThrow();
  }

  private void beat(Replica replica, String name) {
    String lines = replica.told.take();
    List<Object> args =
        new ArrayList<>(List.of(name, 0, time.now(), 0, "-", 1, "0 0 - 0" + lines, GROUP));
    PoolSnapshot.GroupState group = surveyed(args);
    replica.latest = new PoolSnapshot(Duration.ZERO, REPLICAS, 0, 0, List.of(group), List.of());
    time.at(time.now() + BEAT, () -> beat(replica, name));
  }

  /** Requests from a time on, at a rate, until another. */
  void demand(long from, long until, double perSecond) {
    long at = from;
    while (true) {
      at += Math.round(1e6 / perSecond * (0.5 + random.nextDouble()));
      if (at >= until) {
        return;
      }
      time.at(at, this::arrive);
    }
  }

  /** Others use the account at this rate. */
  void others(long from, long until, double perSecond) {
    long step = Math.round(1e6 / perSecond);
    for (long at = from + step; at < until; at += step) {
      time.at(at, () -> account.ask(time.now(), 1));
    }
  }

  private void arrive() {
    String lease = "l" + ++number;
    Replica replica = replicas.get((int) (number % REPLICAS));
    sent++;
    List<Object> reply = call(Step.acquire(lease, EPOCH, 0, 0, 3_600_000, FIELDS));
    if (!Long.valueOf(1).equals(reply.get(2))) {
      refusedHere++;
      return;
    }
    long granted = time.now();
    time.at(
        granted + random.nextLong(window.toNanos() / 1_000 / 300),
        () -> ask(replica, lease, granted));
  }

  private void ask(Replica replica, String lease, long granted) {
    long wait = refuses ? 1 : account.ask(time.now(), 1);
    refuses = false;
    if (wait > 0) {
      refusedThere++;
      long seconds = Math.ceilDiv(wait, 1_000_000);
      time.at(
          time.now() + 20_000,
          () -> {
            call(new CooldownStep("g:" + GROUP, seconds * 1_000, granted));
            call(Step.settle(lease, 0, 0));
          });
      return;
    }
    served++;
    long left = account.left(time.now());
    long full = account.fullMicros(time.now());
    time.at(
        time.now() + 400_000 + random.nextLong(400_000),
        () -> {
          tell(replica, granted, left, full);
          call(Step.settle(lease, 0, 0));
        });
  }

  private void tell(Replica replica, long granted, long left, long full) {
    if (headers == Headers.NONE) {
      return;
    }
    Limits limits = new Limits(limit, 0, 0, 0);
    Remaining rest = new Remaining(left, -1, -1, -1);
    long ms =
        switch (headers) {
          case EXACT -> full / 1_000;
          case SECONDS -> Math.max(0, Math.ceilDiv(full, 1_000_000) - 2) * 1_000;
          case LEFT_ONLY, NONE -> -1;
        };
    long nanos = time.now() * 1_000;
    if (replica.news.isNews(GROUP, limits, rest, replica.latest, window, nanos)) {
      call(
          new Step.Observe(
              GROUP,
              List.of(limit, 0L, 0L, 0L),
              List.of(left, -1L, -1L, -1L),
              granted,
              List.of(ms, -1L, -1L, -1L),
              List.of()));
    } else {
      Refill refill = new Refill(ms, -1, -1, -1);
      replica.told.note(GROUP, granted, limits, rest, () -> refill, window, nanos);
    }
  }

  long windowMicros() {
    return window.toNanos() / 1_000;
  }

  /** The provider refuses a request, whatever it has left. */
  void refuseNext() {
    refuses = true;
  }

  /** Redis loses the state of the pool, but not what it learned. */
  void loseState() {
    wire.redis().del(names.state, names.win, names.leases, names.due, names.later);
  }

  void forget() {
    wire.names(names.base()).forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
  }
}
