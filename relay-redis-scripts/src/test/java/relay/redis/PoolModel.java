package relay.redis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;

/**
 * A whole pool in plain Java, written from ENGINE.md: what every script must answer and leave
 * behind. It knows nothing of records, rings or sweeping times.
 */
final class PoolModel {
  /** Longest wait that is told, in microseconds. */
  static final long FOREVER = 1_000_000_000_000_000L;

  /** The window, and since when slots have their present length. */
  record Shape(long windowMicros, long since) {
    long slotMicros() {
      return Math.ceilDiv(windowMicros, GroupModel.SLOTS);
    }

    long slotOf(long micros) {
      return Math.floorDiv(micros, slotMicros());
    }
  }

  /** A test's clock and what the calling replica believes of the pool's; microseconds. */
  record Clock(long given, long ceiling) {}

  /**
   * A refusal's wait.
   *
   * @param fuzz by how much more than the exact wait the script may answer
   * @param accepted reasons and keys that are as early, within the fuzz
   */
  record Wait(long micros, double fuzz, List<String> accepted) {}

  private static final List<Object> UNKNOWN = List.of(-3L);
  private static final List<Object> ENDED = List.of(0L);

  final NavigableMap<String, GroupModel> groups = new TreeMap<>();
  final NavigableMap<String, KeyModel> keys = new TreeMap<>();
  private final Map<String, LeaseModel> leases = new HashMap<>();
  private final Set<String> ended = new HashSet<>();
  private final Map<String, String> quarantine = new TreeMap<>();
  private final SurveyModel surveys = new SurveyModel();
  private Shape shape = new Shape(240_000, 0);
  private boolean roundRobin;
  private boolean known;
  private boolean lost;
  private long epoch;
  private long offset;
  private long last;
  private long chosen;
  private long expired;

  long epoch() {
    return epoch;
  }

  long last() {
    return last;
  }

  Shape shape() {
    return shape;
  }

  long expired() {
    return expired;
  }

  List<String> liveNames() {
    return leases.values().stream().filter(l -> l.live).map(LeaseModel::name).sorted().toList();
  }

  LongStream deadlines() {
    return leases.values().stream().filter(l -> l.live).mapToLong(l -> l.deadline);
  }

  long inFlightOfKey(String key) {
    return leases.values().stream().filter(l -> l.live && l.key.equals(key)).count();
  }

  long inFlightOfGroup(String group) {
    return leases.values().stream().filter(l -> l.live && l.group.equals(group)).count();
  }

  /** Monotone; a step ahead is held at what the caller believes. */
  private long time(Clock clock) {
    long time = clock.given() + offset;
    if (clock.ceiling() > 0) {
      time = Math.min(time, clock.ceiling());
    }
    time = Math.max(time, last);
    offset = time - clock.given();
    last = time;
    return time;
  }

  void flushAll() {
    groups.clear();
    keys.clear();
    leases.clear();
    ended.clear();
    quarantine.clear();
    surveys.flushAll();
    known = false;
  }

  List<Object> configure(Clock clock, long knownEpoch, long fresh, PoolPlan plan) {
    boolean inDebt = false;
    if (!known) {
      epoch = fresh;
      offset = 0;
      last = 0;
      chosen = 0;
      expired = 0;
      lost = knownEpoch > 0;
      inDebt = lost;
      known = true;
      shape = new Shape(plan.window().toNanos() / 1000, 0);
    } else if (knownEpoch > 0 && knownEpoch != epoch && !lost) {
      lost = true;
      inDebt = true;
    }
    long now = time(clock);
    long window = plan.window().toNanos() / 1000;
    Shape before = shape;
    if (window != shape.windowMicros()) {
      Shape next = new Shape(window, now);
      for (GroupModel g : groups.values()) {
        g.flow(now, shape);
        g.reshape(shape.slotOf(now), next.slotOf(now));
      }
      shape = next;
    }
    for (String id : plan.groups()) {
      GroupModel g = groups.computeIfAbsent(id, i -> new GroupModel(i, now));
      g.flow(now, before);
      Limits l = plan.limitsOf(id);
      long[] limits = {l.requests(), l.inputTokens(), l.outputTokens(), l.totalTokens()};
      g.limit(limits, plan.burstRatio(), now, inDebt);
    }
    for (KeyPlan k : plan.keys()) {
      KeyModel key = keys.computeIfAbsent(k.id(), KeyModel::new);
      key.configure(k, quarantine.get(k.id()));
    }
    roundRobin = plan.strategy() == Strategy.ROUND_ROBIN;
    surveys.configured();
    return List.of(1L, now, epoch);
  }

  List<Object> acquire(
      Clock clock,
      String id,
      long callersEpoch,
      long input,
      long output,
      long leaseMicros,
      List<String> fields) {
    if (!known || callersEpoch != epoch || !fields.stream().allMatch(this::knows)) {
      return UNKNOWN;
    }
    long now = time(clock);
    expire(now, 16);
    if (ended.contains(id)) {
      return List.of(-4L, now);
    }
    LeaseModel held = leases.get(id);
    if (held != null) {
      return List.of(1L, now, held.key, held.group, held.input, held.output);
    }
    Comparator<Choice> order = Choice.order(roundRobin);
    int stopped = 0;
    List<Choice> usable = new ArrayList<>();
    Choice best = null;
    boolean lower = false; // the caller puts the highest priority first
    long[] tooLarge = {0, 0};
    for (int n = 0; n < fields.size(); n += 2) {
      KeyModel key = key(fields.get(n).substring(2));
      GroupModel group = group(fields.get(n + 1).substring(2));
      lower |= best != null && key.priority < best.key().priority;
      if (key.quarantine != null) {
        stopped++;
        continue;
      }
      long[] clamped = group.clamp(input, output, tooLarge);
      if (clamped == null) {
        continue;
      }
      Choice c = Choice.of(key, group, clamped[0], clamped[1], inFlightOfKey(key.id), now, shape);
      usable.add(c);
      if (!lower && c.fits(now) && (best == null || order.compare(c, best) < 0)) {
        best = c;
      }
    }
    if (best != null) {
      LeaseModel lease =
          new LeaseModel(
              id,
              best.key().id,
              best.group().id,
              now,
              best.input(),
              best.output(),
              now + leaseMicros);
      leases.put(id, lease);
      best.group().flow(now, shape);
      best.group().charge(now, shape, 1, best.input(), best.output());
      best.key().chosen = ++chosen;
      return List.of(1L, now, lease.key, lease.group, lease.input, lease.output);
    }
    if (2 * stopped == fields.size()) {
      return List.of(-2L, now);
    }
    if (usable.isEmpty()) {
      return List.of(-1L, now, tooLarge[0], tooLarge[1]);
    }
    return List.of(0L, now, Choice.wait(usable, now, shape));
  }

  GroupModel group(String id) {
    return Objects.requireNonNull(groups.get(id));
  }

  KeyModel key(String id) {
    return Objects.requireNonNull(keys.get(id));
  }

  private boolean knows(String field) {
    String id = field.substring(2);
    return field.startsWith("k:") ? keys.containsKey(id) : groups.containsKey(id);
  }

  private void expire(long now, int most) {
    leases.values().stream()
        .filter(l -> l.live && l.deadline <= now)
        .sorted(Comparator.<LeaseModel>comparingLong(l -> l.deadline).thenComparing(l -> l.name()))
        .limit(most)
        .toList()
        .forEach(
            l -> {
              l.live = false;
              expired++;
            });
  }

  List<Object> settle(Clock clock, String id, long input, long output) {
    return finish(clock, id, 1, input, output);
  }

  List<Object> cancel(Clock clock, String id) {
    List<Object> reply = finish(clock, id, 0, 0, 0);
    if (reply.equals(UNKNOWN)) {
      ended.add(id);
    }
    return reply;
  }

  private List<Object> finish(Clock clock, String id, long requests, long input, long output) {
    if (ended.contains(id)) {
      return ENDED;
    }
    LeaseModel lease = leases.get(id);
    if (lease == null) {
      return UNKNOWN;
    }
    long now = time(clock);
    GroupModel g = group(lease.group);
    long overInput = Math.max(0, input - lease.input);
    long overOutput = Math.max(0, output - lease.output);
    g.flow(now, shape);
    g.charge(now, shape, 0, overInput, overOutput);
    g.refund(
        lease.since,
        now,
        shape,
        1 - requests,
        Math.max(0, lease.input - input),
        Math.max(0, lease.output - output));
    if (input + output > 0) {
      g.refusals = 0;
    }
    leases.remove(id);
    ended.add(id);
    return List.of(1L, now, overInput, overOutput);
  }

  List<Object> renew(Clock clock, long leaseMicros, List<String> ids) {
    if (!known) {
      return UNKNOWN;
    }
    long now = time(clock);
    List<Object> reply = new ArrayList<>(List.of(1L, now));
    for (String id : ids) {
      LeaseModel lease = leases.get(id);
      if (lease != null && lease.live) {
        lease.deadline = Math.max(lease.deadline, now + leaseMicros);
        reply.add(1L);
      } else {
        reply.add(0L);
      }
    }
    return reply;
  }

  List<Object> charge(
      Clock clock, String id, String group, long requests, long input, long output) {
    GroupModel g = groups.get(group);
    if (!known || g == null) {
      return UNKNOWN;
    }
    if (ended.contains(id) || leases.containsKey(id)) {
      return ENDED;
    }
    ended.add(id);
    long now = time(clock);
    g.flow(now, shape);
    g.charge(now, shape, requests, input, output);
    return List.of(1L, now);
  }

  List<Object> cooldown(Clock clock, String field, long micros) {
    if (!known || !knows(field)) {
      return UNKNOWN;
    }
    long now = time(clock);
    if (field.startsWith("k:")) {
      KeyModel key = key(field.substring(2));
      key.cooldownEnd = Math.max(key.cooldownEnd, now + micros);
      return List.of(1L, now, key.cooldownEnd - now);
    }
    GroupModel g = group(field.substring(2));
    long length = micros;
    if (micros == 0 && g.cooldownEnd <= now) {
      length = Math.min(60, 1L << g.refusals) * 1_000_000;
      g.refusals = Math.min(6, g.refusals + 1);
    }
    g.cooldownEnd = Math.max(g.cooldownEnd, now + length);
    return List.of(1L, now, g.cooldownEnd - now);
  }

  List<Object> quarantine(String reason, List<String> ids) {
    if (!keys.keySet().containsAll(ids)) {
      return UNKNOWN;
    }
    long newly = 0;
    for (String id : ids) {
      KeyModel key = key(id);
      if (key.quarantine == null) {
        key.quarantine = reason;
        quarantine.put(id, reason);
        newly++;
      }
    }
    return List.of(newly);
  }

  List<Object> restore(List<String> fields) {
    if (!known || !fields.stream().allMatch(this::knows)) {
      return UNKNOWN;
    }
    long restored = 0;
    for (String field : fields) {
      String id = field.substring(2);
      if (field.startsWith("g:")) {
        GroupModel g = group(id);
        restored += g.cooldownEnd > last ? 1 : 0;
        g.cooldownEnd = 0;
        g.refusals = 0;
      } else {
        KeyModel key = key(id);
        restored += key.cooldownEnd > last || key.quarantine != null ? 1 : 0;
        key.cooldownEnd = 0;
        key.quarantine = null;
        quarantine.remove(id);
      }
    }
    return List.of(restored);
  }

  List<Object> survey(
      Clock clock, String replica, long staleMicros, List<String> groupIds, List<String> keyIds) {
    if (!known) {
      return UNKNOWN;
    }
    long now = time(clock);
    expire(now, 128);
    return surveys.survey(this, now, replica, staleMicros, groupIds, keyIds);
  }
}
