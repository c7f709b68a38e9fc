package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Budget;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/**
 * Random walks of budgets on a real Redis, beside a model of slots: by two versions of the scripts,
 * which cache what they read; with limits that change, and with the hash lost or set back. Each
 * reply and what each budget's field says must be the model's.
 */
@Tag("slow")
final class BudgetWalkTest {
  private static final int STEPS = 500;
  private static final int ROLLING = 60; // slots
  private static final long DAY_US = 86_400_000_000L;
  private static final List<String> PERIODS =
      List.of("usd/day", "tokens/month", "usd/rolling-day", "tokens/rolling-month");
  private static final long CENT = Budget.DOLLAR / 100;

  private final RedisKeys names = new RedisKeys("budgets", Pools.name("walk"));
  private final byte[][] keys = {
    names.state, names.win, names.leases, names.due, names.later, names.budgets
  };
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final ScriptConnection other =
      ScriptConnection.faulty(
          RedisUnderTest.url(), "book.bytes > 4e6", "book.bytes > 1000"); // caches little

  private Map<String, Map<String, Long>> spent = new HashMap<>(); // by budget, by slot
  private final Map<String, Held> held = new HashMap<>();
  private long now = Instant.parse("2027-12-28T22:00:00Z").toEpochMilli() * 1_000;
  private int next;

  /** A lease, and since when. */
  private record Held(long since, long tokens, long dollars) {}

  @AfterEach
  void disconnect() {
    wire.close();
    other.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void each_budget_is_what_its_slots_are(int seed) {
    Random random = new Random(seed);
    Limits none = new Limits(0, 0, 0, 0);
    List<KeyPlan> team = List.of(new KeyPlan("team", "team", 1, 1, 0, true, List.of()));
    PoolPlan plan = Pools.plan("walk", Duration.ofMinutes(1), team, none);
    Step step = new Step.Configure(0, 7, plan);
    wire.call(step, names, new Clock(now, 0));
    byte[] before = null;
    Map<String, Map<String, Long>> then = Map.of();
    for (int n = 0; n < STEPS; n++) {
      now += random.nextInt(10) > 0 ? random.nextInt(100_000_000) : jump(random);
      ScriptConnection by = random.nextInt(4) == 0 ? other : wire;
      switch (random.nextInt(60)) {
        case 0 -> {
          wire.redis().del(names.budgets);
          spent.clear();
        }
        case 1 -> {
          before = wire.redis().dump(names.budgets);
          then = copy(spent);
        }
        case 2 -> {
          if (before != null) {
            wire.redis().del(names.budgets);
            wire.redis().restore(names.budgets, 0, before);
            spent = copy(then);
          }
        }
        case 3, 4, 5 -> tell(by, random);
        case 6, 7, 8 -> charge(by, random);
        default -> call(by, random);
      }
      Map<byte[], byte[]> fields = wire.redis().hgetall(names.budgets);
      Map<String, String> texts = new HashMap<>();
      fields.forEach((field, text) -> texts.put(RedisKeys.text(field), RedisKeys.text(text)));
      PERIODS.forEach(period -> check(period, texts.get("team " + period)));
      if (!fields.isEmpty()) { // else Redis would read the fields before one to find it
        assertEquals("hashtable", wire.redis().objectEncoding(names.budgets));
      }
    }
  }

  /** Mostly within a day, so that rolling budgets have many slots. */
  private static long jump(Random random) {
    return random.nextLong(DAY_US / (1 + random.nextInt(20)));
  }

  private static Map<String, Map<String, Long>> copy(Map<String, Map<String, Long>> all) {
    Map<String, Map<String, Long>> copy = new HashMap<>();
    all.forEach((name, slots) -> copy.put(name, new HashMap<>(slots)));
    return copy;
  }

  /** Its limits are small, so that they are reached, and those of a rollout differ. */
  private static String line(Random random) {
    StringBuilder line = new StringBuilder("team");
    for (String period : PERIODS) {
      long limit = (period.contains("rolling") ? 9_000 : 3_000) * (isUsd(period) ? CENT : 1);
      line.append(' ').append(period).append('=').append(limit + limit * random.nextInt(2));
    }
    return line.toString();
  }

  private static boolean isUsd(String period) {
    return period.startsWith("usd");
  }

  /** Ends a lease or two, also twice, and reserves a request or two. */
  private void call(ScriptConnection by, Random random) {
    List<String> ends = new ArrayList<>();
    List<Object> args = new ArrayList<>();
    for (int n = random.nextInt(3); n > 0 && next > 0; n--) {
      ends.add("l" + random.nextInt(Math.max(0, next - 4), next));
    }
    int asks = ends.isEmpty() ? 1 : random.nextInt(3);
    StringBuilder call = new StringBuilder("7 0 " + now + " 100000000 " + ends.size());
    call.append(' ').append(asks).append(" 1");
    List<Long> used = new ArrayList<>();
    ends.forEach(
        id -> {
          used.add(random.nextLong(200));
          call.append(" 1 ").append(used.getLast()).append(" 0");
        });
    List<Long> wanted = new ArrayList<>();
    for (int n = 0; n < asks; n++) {
      wanted.add(1 + random.nextLong(200));
      call.append(' ').append(wanted.getLast()).append(" 0 -");
    }
    List<Long> reserved = ends.stream().map(id -> held.getOrDefault(id, NONE).dollars).toList();
    for (int n = 0; n < ends.size(); n++) {
      call.append(' ').append(reserved.get(n)).append(' ').append(used.get(n) * CENT);
    }
    wanted.forEach(tokens -> call.append(' ').append(tokens * CENT));
    args.add(call);
    args.addAll(ends);
    for (int n = 0; n < asks; n++) {
      args.add("l" + (next + n));
    }
    for (int n = 0; n < asks; n++) {
      args.add("team team/" + Pools.CLASS);
    }
    List<String> lines = new ArrayList<>();
    for (int n = 0; n < ends.size() + asks; n++) {
      lines.add(line(random));
    }
    args.addAll(lines);
    List<Object> reply = by.call(ScriptFile.ACQUIRE_NAMED, keys, args.toArray());
    for (int n = 0; n < ends.size(); n++) {
      Held lease = held.remove(ends.get(n));
      if ((long) reply.get(2 + n) >= 0) { // else it has ended, or expired long ago
        settle(Objects.requireNonNull(lease), used.get(n));
      }
    }
    for (int n = 0; n < asks; n++) {
      long tokens = wanted.get(n);
      String over = over(lines.get(ends.size() + n), tokens);
      List<Object> answer = reply.subList(2 + ends.size() + 13 * n, 5 + ends.size() + 13 * n);
      if (over == null) {
        assertEquals(1L, answer.getFirst(), this::toString);
        PERIODS.forEach(p -> add(p, slot(p, now), isUsd(p) ? tokens * CENT : tokens));
        held.put("l" + (next + n), new Held(now, tokens, tokens * CENT));
      } else {
        long opens = opensIn(over, lines.get(ends.size() + n), tokens);
        assertEquals(List.of(-7L, (long) PERIODS.indexOf(over), opens), answer, this::toString);
      }
    }
    next += asks;
  }

  private static final Held NONE = new Held(0, 0, 0);

  private void settle(Held lease, long used) {
    for (String period : PERIODS) {
      long more = isUsd(period) ? used * CENT - lease.dollars : used - lease.tokens;
      if (more > 0) {
        add(period, slot(period, now), more);
      } else {
        long left = more - add(period, slot(period, lease.since), more);
        add(period, "*" + slot(period, lease.since), left);
      }
    }
  }

  /** What Redis has lost with the hash, and what was let pass without it. */
  private void tell(ScriptConnection by, Random random) {
    StringBuilder told = new StringBuilder();
    List<Runnable> then = new ArrayList<>();
    for (String period : PERIODS) {
      long known = random.nextInt(3) == 0 ? random.nextLong(300) : 0;
      long more = random.nextInt(3) == 0 ? random.nextLong(100) : 0;
      told.append(' ').append(known).append(' ').append(more);
      then.add(
          () -> {
            String star = "*" + slot(period, now);
            long had = live(period).getOrDefault(star, 0L);
            add(period, star, Math.max(0, known - had));
            add(period, slot(period, now), more);
          });
    }
    List<Object> reply =
        by.call(ScriptFile.BUDGETS, new byte[][] {names.budgets}, now, line(random), told);
    then.forEach(Runnable::run);
    for (int n = 0; n < PERIODS.size(); n++) {
      assertEquals(sum(PERIODS.get(n)), reply.get(3 + 3 * n), this::toString);
    }
  }

  /** A request that a failover has lost. */
  private void charge(ScriptConnection by, Random random) {
    long tokens = random.nextLong(100);
    Object[] args = {
      0,
      now,
      "l" + next,
      "team/" + Pools.CLASS,
      "team",
      100_000_000,
      0,
      1,
      tokens * CENT,
      tokens,
      line(random),
      "-",
      0,
      1,
      tokens,
      0
    };
    assertEquals(1L, by.call(ScriptFile.CHARGE, keys, args).getFirst());
    held.put("l" + next++, new Held(now, tokens, tokens * CENT));
    PERIODS.forEach(p -> add(p, slot(p, now), isUsd(p) ? tokens * CENT : tokens));
  }

  private long add(String period, String slot, long amount) {
    Map<String, Long> slots = spent.computeIfAbsent(period, p -> new HashMap<>());
    long had = isLive(period, slot) ? slots.getOrDefault(slot, 0L) : 0;
    long has = Math.max(0, had + amount);
    slots.put(slot, has);
    return has - had;
  }

  /** The budget that has room for so much last, of those that have none now. */
  private @Nullable String over(String line, long tokens) {
    String last = null;
    for (String period : PERIODS) {
      if (room(period, line, tokens) < sum(period)
          && (last == null || opensIn(period, line, tokens) > opensIn(last, line, tokens))) {
        last = period;
      }
    }
    return last;
  }

  /** What may be spent of a budget before so much. */
  private static long room(String period, String line, long tokens) {
    long limit = Long.parseLong(line.replaceFirst(".* " + period + "=(\\d+).*", "$1"));
    return limit - (isUsd(period) ? tokens * CENT : tokens);
  }

  private long opensIn(String period, String line, long tokens) {
    if (!period.contains("rolling")) {
      LocalDate today = Instant.ofEpochMilli(now / 1_000).atZone(ZoneOffset.UTC).toLocalDate();
      LocalDate next =
          period.endsWith("month") ? today.withDayOfMonth(1).plusMonths(1) : today.plusDays(1);
      return next.toEpochDay() * DAY_US - now;
    }
    long length = (period.endsWith("month") ? 30 * DAY_US : DAY_US) / ROLLING;
    long left = sum(period);
    Map<Long, Long> slots = new TreeMap<>();
    live(period)
        .forEach(
            (slot, amount) -> slots.merge(Long.valueOf(slot.replace("*", "")), amount, Long::sum));
    for (Map.Entry<Long, Long> slot : slots.entrySet()) {
      left -= slot.getValue();
      if (left <= room(period, line, tokens)) {
        return (slot.getKey() + ROLLING + 1) * length - now;
      }
    }
    throw new AssertionError("no request is larger than a budget");
  }

  private Map<String, Long> live(String period) {
    Map<String, Long> live = new HashMap<>(spent.getOrDefault(period, Map.of()));
    live.keySet().removeIf(slot -> !isLive(period, slot));
    return live;
  }

  private long sum(String period) {
    return live(period).values().stream().mapToLong(Long::longValue).sum();
  }

  private boolean isLive(String period, String slot) {
    String name = slot.replace("*", "");
    return period.contains("rolling")
        ? Long.parseLong(name) >= Long.parseLong(slot(period, now)) - ROLLING
        : name.equals(slot(period, now));
  }

  private static String slot(String period, long at) {
    if (period.contains("rolling")) {
      return Long.toString(
          at / (period.endsWith("month") ? 30 * DAY_US / ROLLING : DAY_US / ROLLING));
    }
    LocalDate date = Instant.ofEpochMilli(at / 1_000).atZone(ZoneOffset.UTC).toLocalDate();
    return period.endsWith("month") ? YearMonth.from(date).toString() : date.toString();
  }

  /** The field, if it was written in this slot: what is spent, and in which slots. */
  private void check(String period, @Nullable String field) {
    if (field == null) {
      assertEquals(0, sum(period), this::toString);
      return;
    }
    String[] words = field.split(" ", -1);
    Map<String, Long> slots = new HashMap<>();
    for (int n = 1; n < words.length; n++) {
      String[] part = words[n].split(":", -1);
      slots.put(part[0], amount(part[1]));
    }
    long all = slots.values().stream().mapToLong(Long::longValue).sum();
    assertEquals(all, amount(words[0].replaceFirst("/.*", "")), this::toString);
    slots.entrySet().removeIf(slot -> !isLive(period, slot.getKey()) || slot.getValue() == 0);
    Map<String, Long> live = live(period);
    live.values().removeIf(amount -> amount == 0);
    assertEquals(live, slots, () -> period + " of " + this);
  }

  private static long amount(String text) {
    int point = text.indexOf('.');
    return point < 0
        ? Long.parseLong(text)
        : Long.parseLong(text.substring(0, point)) * Budget.DOLLAR
            + Long.parseLong(text.substring(point + 1));
  }

  @Override
  public String toString() {
    return "at " + Instant.ofEpochMilli(now / 1_000) + ": " + spent;
  }
}
