package relay.redis.walk;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/**
 * A whole pool in plain Java, written from the engine's specification: each script's reply and
 * effect. It is independent of records, rings and sweeps.
 */
final class PoolModel {
  /** Longest wait in a reply, in microseconds. */
  static final long FOREVER = 1_000_000_000_000_000L;

  /**
   * A refusal's wait.
   *
   * @param fuzz by how much the script may exceed the exact wait
   * @param accepted equally early reasons and keys, within the fuzz
   */
  record Wait(long micros, double fuzz, List<String> accepted) {}

  static final List<Object> UNKNOWN = List.of(-3L);

  final NavigableMap<String, GroupModel> groups = new TreeMap<>();
  final NavigableMap<String, KeyModel> keys = new TreeMap<>();
  private final LeasesModel leases = new LeasesModel(lease -> this.endings.expired(lease));
  private final Map<String, String> sessions = new HashMap<>();
  private final ObservationModel observations = new ObservationModel(this);
  private final DaysModel days = new DaysModel();
  final OutageModel outages = new OutageModel(this);
  final BreakerModel breaker = new BreakerModel();
  final ProbationModel probation = new ProbationModel(outages);
  final EstimatesModel estimates = new EstimatesModel();
  final TallyModel tally = new TallyModel();
  private final SurveyModel surveys = new SurveyModel();
  final EndingModel endings = new EndingModel(this, leases);
  private final TimeModel time = new TimeModel();
  private Shape shape = new Shape(240_000, 0, false);
  private Strategy strategy = Strategy.LEAST_LOADED;
  private boolean known;
  private boolean lost;
  private long epoch;
  private double turn;

  long epoch() {
    return epoch;
  }

  long last() {
    return time.last();
  }

  Shape shape() {
    return shape;
  }

  double turn() {
    return turn;
  }

  long expired() {
    return leases.expired();
  }

  List<String> liveNames() {
    return leases.live().map(LeaseModel::name).sorted().toList();
  }

  LongStream deadlines() {
    return leases.deadlines();
  }

  long live() {
    return leases.live().count();
  }

  long inFlightOfKey(String key) {
    return leases.live().filter(l -> l.key.equals(key)).count();
  }

  long inFlightOfGroup(String group) {
    return leases.live().filter(l -> PoolPlan.levels(l.group).contains(group)).count();
  }

  long[] learned(String group) {
    return observations.answers(group).stated;
  }

  boolean isKnown() {
    return known;
  }

  /** Returns an action that restores the clock, as if no call had come. */
  Runnable rewinder() {
    return time.rewinder();
  }

  /** Redis's clock at this pool time, if the clock does not step. */
  long given(long poolMicros) {
    return time.given(poolMicros);
  }

  long time(Clock clock) {
    return time.now(clock);
  }

  void flushAll() {
    groups.clear();
    keys.clear();
    leases.clear();
    sessions.clear();
    observations.flushAll();
    days.flushAll();
    outages.flushAll();
    breaker.flushAll();
    probation.flushAll();
    estimates.flushAll();
    tally.flushAll();
    surveys.flushAll();
    known = false;
  }

  List<Object> configure(Clock clock, long knownEpoch, long fresh, PoolPlan plan) {
    boolean bucket = plan.accounting() == Accounting.TOKEN_BUCKET;
    long window = plan.window().toNanos() / 1000;
    boolean inDebt = false;
    if (!known) {
      epoch = fresh;
      time.begin();
      turn = 0;
      leases.begin();
      lost = knownEpoch > 0;
      inDebt = lost;
      known = true;
      shape = new Shape(window, 0, bucket);
    } else if (knownEpoch > 0 && knownEpoch != epoch && !lost) {
      lost = true;
      inDebt = true;
    }
    long now = time(clock);
    Shape before = shape;
    shape = new Shape(window, window == before.windowMicros() ? before.since() : now, bucket);
    if (window != before.windowMicros()) {
      for (GroupModel g : groups.values()) {
        g.flow(now, before);
        g.reshape(before.slotOf(now), shape.slotOf(now));
      }
    }
    for (GroupModel g : bucket == before.bucket() ? List.<GroupModel>of() : groups.values()) {
      g.flow(now, before);
      if (bucket) {
        g.mirror(now, shape);
      }
    }
    for (String id : plan.groups()) {
      boolean isNew = !groups.containsKey(id);
      boolean forgotten = isNew && knownEpoch > 0 && knownEpoch != epoch;
      GroupModel g = groups.computeIfAbsent(id, i -> new GroupModel(i, now));
      List<String> levels = PoolPlan.levels(id);
      g.above = levels.size() > 1 ? groups.get(levels.get(1)) : null;
      observations.configure(id, plan.limitsOf(id));
      long[] limits = observations.effective(id);
      if (!isNew
          && !inDebt
          && !observations.hasAnswers(id)
          && plan.days().limits().isEmpty()
          && g.burst == plan.burstRatio()
          && Arrays.equals(g.limits, limits)) {
        continue; // it stays as it is
      }
      g.flow(now, shape);
      g.burst = plan.burstRatio();
      g.limit(limits, now, shape);
      if (inDebt || forgotten) {
        g.indebt();
      }
      g.admit(observations.answers(id).leastShare(), now, shape);
    }
    days.configure(plan, clock.instant(), now, groups.values());
    for (KeyPlan k : plan.keys()) {
      KeyModel key = keys.computeIfAbsent(k.id(), KeyModel::new);
      key.configure(k, outages.reason(k.id()));
    }
    strategy = plan.strategy();
    return List.of(1L, now, epoch, inDebt ? 2L : 1L);
  }

  List<Object> observe(Clock clock, Step.Observe answer) {
    GroupModel g = groups.get(answer.group());
    if (!known || g == null) {
      return UNKNOWN;
    }
    long now = time(clock);
    long[] foreign = observations.observe(g, answer, now);
    return List.of(1L, now, foreign[0], foreign[1], foreign[2]);
  }

  List<Object> acquire(
      Clock clock,
      long callersEpoch,
      long leaseMicros,
      List<Step.Cost> ended,
      List<Wish> wishes,
      List<String> fields) {
    if (!known || callersEpoch != epoch || !fields.stream().allMatch(this::knows)) {
      return UNKNOWN;
    }
    long now = time(clock);
    leases.sweep(now, 16, shape.windowMicros());
    List<Object> reply = new ArrayList<>(List.of(1L, now));
    reply.addAll(endings.end(ended));
    for (Wish wish : wishes) {
      reply.addAll(new Search(this, wish, fields, now).answer(strategy, leaseMicros));
    }
    return reply;
  }

  /** The reply of a large pool's index; it may be any of the fitting keys. */
  List<Object> acquireIndexed(
      Clock clock,
      long callersEpoch,
      long leaseMicros,
      List<Step.Cost> ended,
      List<Wish> wishes,
      List<String> fields) {
    if (!known || callersEpoch != epoch) {
      return UNKNOWN;
    }
    long now = time(clock);
    leases.sweep(now, 16, shape.windowMicros());
    List<Object> reply = new ArrayList<>(List.of(1L, now));
    reply.addAll(endings.end(ended));
    wishes.forEach(wish -> reply.add(new Later(() -> picked(wish, fields, now, leaseMicros))));
    return reply;
  }

  /** A part of a reply that depends on the parts before it. */
  record Later(Supplier<List<Object>> part) {}

  private List<Object> picked(Wish wish, List<String> fields, long now, long leaseMicros) {
    Search search = new Search(this, wish, fields, now);
    List<Object> before = search.before();
    if (before != null) {
      return before;
    }
    List<Choice> fitting = search.fitting(strategy);
    if (!fitting.isEmpty()) {
      List<Choice> enlarged = fitting.stream().map(search::enlarged).toList();
      return List.of(new Picked(enlarged, favourite(wish), c -> grant(c, now, leaseMicros)));
    }
    List<Object> refusal = new ArrayList<>(search.refusal());
    if (refusal.getFirst().equals(-1L)) {
      refusal.set(1, Step.Any.ANYTHING); // of two equal limits either is right
    }
    return refusal;
  }

  /** The group that last served a conversation. */
  @Nullable String favourite(Wish wish) {
    return wish.session().isEmpty() ? null : sessions.get(wish.session());
  }

  /** The live leases. */
  Stream<LeaseModel> held() {
    return leases.live();
  }

  @Nullable LeaseModel held(String id) {
    return leases.get(id);
  }

  boolean hasEnded(String id) {
    return leases.hasEnded(id);
  }

  /** Applies a grant. */
  void grant(Choice best, long now, long leaseMicros) {
    Wish wish = best.wish();
    Wish.Term term = wish.term();
    KeyModel key = best.key();
    GroupModel group = best.group();
    long deadline = LeasesModel.deadline(now, term == null ? leaseMicros : 1_000 * term.ttlMs());
    leases.add(new LeaseModel(wish, best, now, deadline));
    boolean coming = wish.spread() >= 0;
    for (GroupModel level : GroupLevels.of(group)) {
      level.flow(now, shape);
      level.charge(now, shape, wish.requests(), best.input(), coming ? 0 : best.output());
      level.relax(now);
      if (coming) {
        level.expect(now, shape, now, now, 0, 0, best.output(), 0, wish.spread());
      }
      if (level.day != null) {
        level.day.charge(now, wish.requests(), best.input() + best.output());
      }
    }
    turn = Math.max(key.pass, turn);
    int weight = strategy == Strategy.WEIGHTED ? key.weight : 1;
    key.pass = turn + (weight > 0 ? 1.0 / weight : 1);
    if (!wish.session().isEmpty()) {
      sessions.put(wish.session(), group.id);
    }
  }

  GroupModel group(String id) {
    return Objects.requireNonNull(groups.get(id));
  }

  KeyModel key(String id) {
    return Objects.requireNonNull(keys.get(id));
  }

  boolean knows(String field) {
    String id = field.substring(2);
    return field.startsWith("k:") ? keys.containsKey(id) : groups.containsKey(id);
  }

  List<Object> settle(Clock clock, List<Step.Cost> costs) {
    return endings.settle(clock, costs);
  }

  List<Object> renew(Clock clock, long leaseMicros, List<HeldLease> held) {
    return endings.renew(clock, leaseMicros, held);
  }

  List<Object> charge(Clock clock, ChargeStep step) {
    return endings.charge(clock, step);
  }

  List<Object> cooldown(Clock clock, String field, long micros, long granted) {
    return outages.cooldown(clock, field, micros, granted);
  }

  List<Object> quarantine(Clock clock, String reason, List<String> ids) {
    return outages.quarantine(clock, reason, ids);
  }

  List<Object> restore(List<String> fields) {
    return outages.restore(fields);
  }

  List<Object> survey(Clock clock, String replica, List<String> groupIds, List<KeyPlan> keys) {
    if (!known) {
      return UNKNOWN;
    }
    long now = time(clock);
    leases.sweep(now, LeasesModel.MOST, shape.windowMicros());
    List<Object> reply = surveys.survey(this, now, replica, groupIds, keys);
    time.surveyed(surveys.alive(now) > 0, !replica.isEmpty());
    return reply;
  }
}
