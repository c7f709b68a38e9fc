package relay.redis.walk;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import relay.redis.library.ScriptFile;
import relay.redis.model.Days;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.script.Announcement;
import relay.redis.script.RedisKeys;

/** One call of a script, without the time, so it can be repeated later. */
public sealed interface Step {
  ScriptFile script();

  byte[][] keys(RedisKeys names);

  /** The script's arguments. */
  List<Object> args(Clock clock);

  /** Applies the call to the model; returns the expected reply. */
  List<Object> apply(PoolModel model, Clock clock);

  /** Matches any value of a reply. */
  enum Any {
    ANYTHING
  }

  /** A call of a script that no limit counts; each has its own model. */
  sealed interface Uncounted extends Step
      permits PickStep, BreakerStep, ProbeStep, LearnStep, TallyStep, TalliedStep {}

  /** Calls of the scripts that count, in a file of their own. */
  sealed interface Counted extends Step
      permits ChargeStep, CooldownStep, QuarantineStep, RestoreStep, SweepStep {}

  /** One request without a conversation. */
  static Acquire acquire(
      String id, long epoch, long input, long output, long leaseMs, List<String> fields) {
    return new Acquire(List.of(new Wish(id, input, output, "")), epoch, leaseMs, fields);
  }

  static Settle settle(String id, long input, long output) {
    return new Settle(List.of(new Cost(id, 1, input, output)));
  }

  static Settle cancel(String id) {
    return new Settle(List.of(new Cost(id, 0, 0, 0)));
  }

  /** Either all requests have conversations or none has. The endings come first. */
  record Acquire(
      List<Cost> endings, List<Wish> wishes, long epoch, long leaseMs, List<String> fields)
      implements Step {
    public Acquire(List<Wish> wishes, long epoch, long leaseMs, List<String> fields) {
      this(List.of(), wishes, epoch, leaseMs, fields);
    }

    @Override
    public ScriptFile script() {
      return ScriptFile.ACQUIRE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return StepKeys.withSessions(names, wishes);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>();
      args.add(CallLine.acquire(c, epoch, leaseMs, endings, "", wishes));
      args.add(fields.stream().map(f -> f.substring(2)).collect(joining(" ")));
      endings.forEach(x -> args.add(x.id()));
      wishes.forEach(w -> args.add(w.id()));
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.acquire(c, epoch, leaseMs * 1000, endings, wishes, fields);
    }
  }

  /**
   * From a large pool's index.
   *
   * @param mine ready sets of the class
   * @param sets ready sets of all classes
   * @param avoided rows to avoid
   * @param fields all candidates, for the model
   */
  record AcquireIndexed(
      List<Cost> endings,
      List<Wish> wishes,
      long epoch,
      long leaseMs,
      List<String> mine,
      List<String> sets,
      List<String> avoided,
      List<String> fields)
      implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.ACQUIRE_INDEXED;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return StepKeys.indexed(names, StepKeys.withSessions(names, wishes), sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>();
      int sessions = wishes.getFirst().session().isEmpty() ? 0 : wishes.size();
      int first = 1 + sets.indexOf(mine.getFirst());
      String counts = " " + wishes.size() + " " + sessions + " " + first + " " + mine.size() + " 0";
      args.add(CallLine.acquire(c, epoch, leaseMs, endings, counts, wishes));
      endings.forEach(x -> args.add(x.id()));
      wishes.forEach(w -> args.add(w.id()));
      args.addAll(avoided);
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.acquireIndexed(c, epoch, leaseMs * 1000, endings, wishes, fields);
    }
  }

  /**
   * A lease's actual cost.
   *
   * @param closes whether one that lasts ends for good
   */
  record Cost(String id, long requests, long input, long output, boolean closes) {
    public Cost(String id, long requests, long input, long output) {
      this(id, requests, input, output, false);
    }
  }

  /** Ends leases. The sets are the ready sets of an indexed pool. */
  record Settle(List<Cost> costs, List<String> sets) implements Step {
    public Settle(List<Cost> costs) {
      this(costs, List.of());
    }

    @Override
    public ScriptFile script() {
      return ScriptFile.SETTLE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return StepKeys.indexed(names, StepKeys.leases(names), sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>();
      args.add(CallLine.settle(c, costs));
      costs.forEach(x -> args.add(x.id()));
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.settle(c, costs);
    }
  }

  /** A provider's stated limits, what is left, and the time until it is full; -1 for none. */
  record Observe(
      String group,
      List<Long> stated,
      List<Long> left,
      long granted,
      List<Long> fullMs,
      List<String> sets)
      implements Step {
    public Observe(String group, List<Long> stated, List<String> sets) {
      this(group, stated, NONE, 0, NONE, sets);
    }

    /** Nothing is stated in any dimension. */
    static final List<Long> NONE = List.of(-1L, -1L, -1L, -1L);

    @Override
    public ScriptFile script() {
      return ScriptFile.OBSERVE;
    }

    @Override
    public byte[][] keys(RedisKeys n) {
      return StepKeys.indexed(n, new byte[][] {n.state, n.win, n.learned}, sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> words = new ArrayList<>(List.of(group, granted));
      words.addAll(stated);
      Stream.concat(left.stream(), fullMs.stream()).forEach(n -> words.add(n < 0 ? "-" : n));
      String answer = words.stream().map(Object::toString).collect(Collectors.joining(" "));
      return List.of(c.ceiling(), c.told(), answer);
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.observe(c, this);
    }
  }

  /** The sets are the ready sets of an indexed pool. */
  record Renew(long leaseMs, List<HeldLease> held, List<String> sets) implements Step {
    public Renew(long leaseMs, List<HeldLease> held) {
      this(leaseMs, held, List.of());
    }

    @Override
    public ScriptFile script() {
      return ScriptFile.RENEW;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      byte[][] keys = {names.state, names.win, names.leases, names.later};
      return StepKeys.indexed(names, keys, sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.told(), leaseMs));
      held.forEach(lease -> args.add(lease.text()));
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.renew(c, leaseMs * 1000, held);
    }
  }

  /**
   * The pool's shape. A row is a candidate: number of its ready set, key, group, 1 if that is
   * large.
   */
  record Configure(long known, long fresh, PoolPlan plan, List<String> sets, List<Object> rows)
      implements Step {
    public Configure(long known, long fresh, PoolPlan plan) {
      this(known, fresh, plan, List.of(), List.of());
    }

    @Override
    public ScriptFile script() {
      return ScriptFile.CONFIGURE;
    }

    @Override
    public byte[][] keys(RedisKeys n) {
      return StepKeys.indexed(n, StepKeys.configured(n), sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.told(), known, fresh));
      args.add(plan.window().toMillis());
      args.add(plan.strategy().code());
      args.add(plan.accounting().code());
      args.add(String.format(Locale.ROOT, "%.6f", plan.burstRatio()));
      args.addAll(List.of(0, plan.groups().size(), plan.keys().size(), "-"));
      args.add(Announcement.days(plan.days(), plan.groups(), c.instant(), Days.Seen.NOTHING));
      for (String group : plan.groups()) {
        args.add(group);
        for (Dimension d : Dimension.values()) {
          args.add(plan.limitsOf(group).of(d));
        }
      }
      for (KeyPlan key : plan.keys()) {
        args.addAll(List.of(key.id(), key.account()));
        args.addAll(List.of(key.maxConcurrent(), key.priority(), key.weight()));
      }
      args.addAll(rows);
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.configure(c, known, fresh, plan);
    }
  }

  /**
   * @param answers that come along: then it asks for news
   */
  record Survey(
      String replica,
      long draw,
      List<String> groups,
      List<KeyPlan> plans,
      List<Observe> answers,
      List<String> sets)
      implements Step {
    public Survey(
        String replica, long draw, List<String> groups, List<KeyPlan> plans, List<String> sets) {
      this(replica, draw, groups, plans, List.of(), sets);
    }

    @Override
    public ScriptFile script() {
      return ScriptFile.SURVEY;
    }

    @Override
    public byte[][] keys(RedisKeys n) {
      return StepKeys.indexed(n, StepKeys.surveyed(n), sets);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args =
          new ArrayList<>(
              List.of(replica, c.ceiling(), c.told(), draw, "-", groups.size(), news()));
      args.addAll(groups);
      plans.forEach(k -> args.addAll(List.of(k.id(), k.account())));
      return args;
    }

    private String news() {
      StringBuilder news = new StringBuilder(answers.isEmpty() ? "-" : "0 0 - 0");
      for (Observe answer : answers) {
        news.append('\n').append(answer.group()).append(' ').append(answer.granted());
        answer.stated().forEach(limit -> news.append(' ').append(limit));
        answer.left().forEach(left -> news.append(' ').append(left < 0 ? "-" : left));
        answer.fullMs().forEach(ms -> news.append(' ').append(ms < 0 ? "-" : ms));
      }
      return news.toString();
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.survey(c, replica, groups, plans);
    }
  }
}
