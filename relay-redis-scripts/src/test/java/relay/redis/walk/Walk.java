package relay.redis.walk;

import static relay.redis.walk.UncountedWalk.amount;
import static relay.redis.walk.UncountedWalk.pick;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/** A random walk through a pool's life: the next call, its time and its clock, by a generator. */
final class Walk {
  private static final long MAX = Limits.MAX;
  private static final long[] WINDOWS_MS = {240, 241, 1_000, 7_777, 60_000, 60_000, 86_400_000};
  private static final List<Dimension> TOKENS =
      List.of(Dimension.INPUT_TOKENS, Dimension.OUTPUT_TOKENS, Dimension.TOTAL_TOKENS);

  private final RandomGenerator random;
  private final PoolModel model;
  final WalkClock clock;
  private final UncountedWalk uncounted;
  private final List<Step> past = new ArrayList<>();
  private final List<String> ids = new ArrayList<>();
  private final DrawnPlans drawn;
  private final List<KeyPlan> keys; // also those that the present plan lacks
  private final List<String> classes;
  private final boolean indexed;
  private final boolean coming; // outputs are made over time
  private final boolean lasting; // some leases are of the API
  private PoolPlan plan;
  private int version; // in the plan
  private int next;

  Walk(RandomGenerator random, PoolModel model) {
    this.random = random;
    this.model = model;
    uncounted = new UncountedWalk(random, model);
    indexed = random.nextInt(3) == 0;
    coming = random.nextInt(3) > 0;
    boolean counted = random.nextInt(3) == 0;
    lasting = random.nextInt(2) == 0;
    boolean steady = !indexed && random.nextInt(2) == 0;
    clock = new WalkClock(random, model, steady);
    drawn = new DrawnPlans(random, indexed, counted, steady);
    keys = drawn.keys();
    classes = drawn.classes();
    plan = drawn.next(pick(random, WINDOWS_MS));
  }

  PoolPlan plan() {
    return plan;
  }

  /** A step in time before a call, and the resulting clock. */
  Clock tick(Step step) {
    return clock.tick(uncounted.moments(step));
  }

  /** A replica reads the pool's time in a reply. */
  void answered(Step step, List<Object> reply) {
    clock.answered(step, reply);
  }

  Step configured() {
    return configure(0, 1 + random.nextLong(MAX - 1));
  }

  /** After a loss of all data: by a replica that knows the epoch, or by a new one. */
  Step configuredAgain() {
    return configure(random.nextInt(3) == 0 ? 0 : model.epoch(), 1 + random.nextLong(MAX - 1));
  }

  Step next() {
    if (clock.isFilling()) {
      ids.add("l" + next);
      return uncounted.small("l" + next++, plan, leaseMs());
    }
    Step step =
        switch (random.nextInt(100)) {
          case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 ->
              past.isEmpty() ? acquire() : again(past.get(random.nextInt(past.size())));
          case 10 -> reconfigure();
          case 11, 12 -> survey();
          case 13 -> new SweepStep(sets());
          case 14, 15 -> charge();
          case 16, 17 -> cooldown();
          case 25, 26 -> observe();
          case 18 -> new QuarantineStep("no credit left", some(keys).map(KeyPlan::id).toList());
          case 19, 20 -> restore();
          case 21, 22, 23, 24, 39, 40, 41, 42 -> renew();
          case 27, 28 -> uncounted.pick(fields(modelClass()));
          case 29, 30 -> uncounted.probe(some(keys).map(KeyPlan::id).toList());
          case 31, 32, 33, 34, 35, 36, 37, 38 -> uncounted.other();
          default ->
              random.nextInt(100) < 60 || ids.isEmpty()
                  ? acquire()
                  : new Step.Settle(costs(), sets());
        };
    past.add(step);
    return step;
  }

  /** Repeats a step, with the present index. */
  private Step again(Step step) {
    return switch (step) {
      case Step.Acquire a ->
          new Step.Acquire(a.endings(), a.wishes(), a.epoch(), a.leaseMs(), sorted(a.fields()));
      case Step.Settle s -> new Step.Settle(s.costs(), sets());
      case Step.Observe o ->
          new Step.Observe(o.group(), o.stated(), o.left(), o.granted(), o.fullMs(), sets());
      case RestoreStep r -> new RestoreStep(r.fields(), sets());
      case SweepStep _ -> new SweepStep(sets());
      case Step.Renew r -> new Step.Renew(r.leaseMs(), r.held(), sets());
      case Step.Configure c ->
          c.plan().equals(plan) ? configure(c.known(), c.fresh()) : reconfigured(c);
      case Step.AcquireIndexed a -> indexed(a.endings(), a.wishes(), a.epoch(), a.leaseMs());
      case PickStep p -> new PickStep(p.draw(), sorted(p.fields()));
      case Step.Survey s -> new Step.Survey(s.replica(), s.draw(), s.groups(), s.plans(), sets());
      case Step other -> other;
    };
  }

  /** Highest priority first, in the present configuration. */
  private List<String> sorted(List<String> fields) {
    List<String> sorted = new ArrayList<>();
    fields.stream()
        .filter(field -> field.startsWith("k:"))
        .sorted(Comparator.comparingInt(field -> -priority(field)))
        .forEach(field -> sorted.addAll(List.of(field, fields.get(fields.indexOf(field) + 1))));
    return sorted;
  }

  private int priority(String field) {
    return model.knows(field) ? model.key(field.substring(2)).priority : 0;
  }

  private Step reconfigured(Step.Configure c) {
    plan = c.plan();
    version++;
    return configure(c.known(), c.fresh());
  }

  private Step configure(long known, long fresh) {
    List<Object> rows = indexed ? readySets().rows(classes) : List.of();
    return new Step.Configure(known, fresh, plan, sets(), rows);
  }

  private ReadySets readySets() {
    return new ReadySets(plan, version);
  }

  private List<String> sets() {
    return indexed ? readySets().all(classes) : List.of();
  }

  private Step acquire() {
    long epoch = random.nextInt(100) > 0 ? model.epoch() : model.epoch() + 1;
    long typical = typical();
    boolean session = random.nextInt(3) == 0;
    List<Wish> wishes = new ArrayList<>();
    for (int n = random.nextInt(3) > 0 ? 1 : random.nextInt(1, 9); n > 0; n--) {
      wishes.add(wish(typical, session));
    }
    List<Step.Cost> endings = random.nextBoolean() ? List.of() : costs();
    return indexed
        ? indexed(endings, wishes, epoch, leaseMs())
        : new Step.Acquire(endings, wishes, epoch, leaseMs(), fields(modelClass()));
  }

  private Wish wish(long typical, boolean session) {
    Wish.Term term = lasting && random.nextInt(3) == 0 ? LastingWalk.term(random) : null;
    String id = random.nextInt(20) > 0 ? "l" + next++ : "early" + random.nextInt(1 + next);
    id = term == null ? id : LastingWalk.id(random, id);
    ids.add(id);
    long input = random.nextInt(3) == 0 ? amount(random, typical) : typical / 20;
    long output = random.nextInt(3) == 0 ? amount(random, typical) : typical / 30;
    long spread = coming ? random.nextLong(1 + output) : -1;
    return new Wish(id, input, output, spread, session ? "s" + random.nextInt(6) : "", term);
  }

  private Step indexed(List<Step.Cost> endings, List<Wish> wishes, long epoch, long leaseMs) {
    String modelClass = modelClass();
    List<KeyPlan> out =
        random.nextInt(4) == 0 && plan.keys().size() > 1
            ? some(plan.keys().subList(1, plan.keys().size())).toList()
            : List.of();
    List<String> avoided =
        out.stream().map(k -> k.id() + " " + PoolPlan.group(k.account(), modelClass)).toList();
    List<String> fields = new ArrayList<>();
    plan.keys().stream()
        .filter(k -> !out.contains(k))
        .forEach(
            k ->
                fields.addAll(
                    List.of("k:" + k.id(), "g:" + PoolPlan.group(k.account(), modelClass))));
    return new Step.AcquireIndexed(
        endings, wishes, epoch, leaseMs, readySets().of(modelClass), sets(), avoided, fields);
  }

  private List<String> fields(String modelClass) {
    List<KeyPlan> chosen = random.nextInt(4) > 0 ? plan.keys() : some(plan.keys()).toList();
    List<String> fields = new ArrayList<>();
    for (KeyPlan key :
        chosen.stream().sorted((a, b) -> Integer.compare(b.priority(), a.priority())).toList()) {
      fields.add("k:" + key.id());
      fields.add("g:" + PoolPlan.group(key.account(), modelClass));
    }
    return fields;
  }

  private List<Step.Cost> costs() {
    List<Step.Cost> costs = new ArrayList<>();
    for (int n = random.nextInt(3) > 0 ? 1 : random.nextInt(1, 9); n > 0; n--) {
      costs.add(cost());
    }
    return costs;
  }

  private Step.Cost cost() {
    int recent = random.nextInt(5) > 0 ? Math.max(0, ids.size() - 12) : 0;
    String id = ids.get(random.nextInt(recent, ids.size()));
    if (random.nextInt(5) == 0) {
      String early = random.nextInt(10) > 0 ? id : "early" + random.nextInt(1 + next);
      return new Step.Cost(lasting && random.nextInt(3) == 0 ? "@0:" + early : early, 0, 0, 0);
    }
    long most = typical();
    long[] tokens = {amount(random, most), amount(random, most)};
    return LastingWalk.cost(random, model.held(id), new Step.Cost(id, 1, tokens[0], tokens[1]));
  }

  private Step renew() {
    if (random.nextInt(2) == 0) {
      return HeldLease.renewal(
          random, model, someKey(), modelClass(), leaseMs(), some(ids).toList(), ids);
    }
    List<String> recent = some(ids.subList(Math.max(0, ids.size() - 15), ids.size())).toList();
    var held = HeldLease.reports(random, model, recent, () -> amount(random, typical()));
    return new Step.Renew(leaseMs(), held, sets());
  }

  private Step observe() {
    String group = group();
    List<String> levels = PoolPlan.levels(group);
    Limits known = plan.limitsOf(levels.get(random.nextInt(levels.size())));
    return ToldAnswers.draw(random, group, known, drawn::limit, model.last(), sets());
  }

  private Step charge() {
    String id = random.nextInt(3) > 0 || ids.isEmpty() ? "l" + next++ : ids.getLast();
    ids.add(id);
    KeyPlan key = someKey();
    String group = PoolPlan.group(key.account(), modelClass());
    long[] tokens = {amount(random, typical()), amount(random, typical())};
    return ChargeStep.of(random, id, key, group, tokens, leaseMs());
  }

  private Step cooldown() {
    long millis = random.nextInt(3) == 0 ? 0 : random.nextLong(1, 70_000);
    long granted = random.nextBoolean() ? 0 : model.last() - random.nextLong(3_000_000);
    String field = random.nextBoolean() ? "g:" + group() : "k:" + someKey().id();
    return new CooldownStep(field, millis, Math.max(0, granted));
  }

  /** Keys, each with its groups. */
  private Step restore() {
    Set<String> fields = new LinkedHashSet<>();
    for (KeyPlan k : some(keys).toList()) {
      fields.add("k:" + k.id());
      classes.forEach(c -> fields.add("g:" + PoolPlan.group(k.account(), c)));
    }
    fields.add("g:" + group());
    return new RestoreStep(List.copyOf(fields), sets());
  }

  private Step survey() {
    return new Step.Survey(
        random.nextInt(4) == 0 ? "" : "replica" + random.nextInt(3),
        random.nextInt(3) == 0 ? 1 : 0,
        random.nextInt(4) > 0 ? plan.groups() : List.of("a9/none", group()),
        plan.keys(),
        sets());
  }

  private Step reconfigure() {
    plan = drawn.next(random.nextInt(3) > 0 ? plan.window().toMillis() : pick(random, WINDOWS_MS));
    version++;
    long known = random.nextInt(5) > 0 ? model.epoch() : model.epoch() + 1;
    return configure(random.nextInt(4) == 0 ? 0 : known, 1);
  }

  private long leaseMs() {
    return random.nextLong(20_000, 120_000);
  }

  /** A request as large as one of the present limits. */
  private long typical() {
    long limit = plan.limitsOf(group()).of(TOKENS.get(random.nextInt(TOKENS.size())));
    return limit == 0 ? 100 : limit;
  }

  private String group() {
    List<String> groups = plan.groups();
    return groups.get(random.nextInt(groups.size()));
  }

  private String modelClass() {
    return classes.get(random.nextInt(classes.size()));
  }

  private KeyPlan someKey() {
    return keys.get(random.nextInt(keys.size()));
  }

  private <T> Stream<T> some(List<T> all) {
    return UncountedWalk.some(random, all);
  }
}
