package relay.redis.walk;

import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a group has used of a day, in the model: amounts by the slot of ten minutes, or by the
 * calendar's day, in which they were charged. Of a rolling day 145 slots count.
 *
 * <p>Kinds: 0 requests, 1 tokens.
 */
final class DayModel {
  private static final int OF_DAY = 144;

  final long[] limits = new long[2];
  private final NavigableMap<Long, long[]> amounts = new TreeMap<>();
  private DayRule rule;

  DayModel(DayRule rule) {
    this.rule = rule;
  }

  /** Days begin at other times: what was used counts as used just now. */
  void adopt(DayRule next, long now) {
    long[] all = {used(0, now), used(1, now)};
    rule = next;
    amounts.clear();
    amounts.put(rule.period(now), all);
  }

  private long first(long now) {
    return rule.rolls() ? rule.period(now) - OF_DAY : rule.period(now);
  }

  long used(int kind, long now) {
    return amounts.tailMap(first(now)).values().stream().mapToLong(all -> all[kind]).sum();
  }

  static long cost(int kind, long requests, long tokens) {
    return kind == 0 ? requests : tokens;
  }

  void charge(long now, long requests, long tokens) {
    long[] all = amounts.computeIfAbsent(rule.period(now), period -> new long[2]);
    all[0] += requests;
    all[1] += tokens;
  }

  /** Replaces what was reserved at `since`: by so much more, or less if negative. */
  void settle(long since, long now, long requests, long tokens) {
    charge(now, Math.max(0, requests), Math.max(0, tokens));
    long period = Math.min(rule.period(since), rule.period(now));
    long[] held = amounts.get(period);
    if (held != null && period >= first(now)) {
      held[0] -= Math.min(held[0], Math.max(0, -requests));
      held[1] -= Math.min(held[1], Math.max(0, -tokens));
    }
  }

  /** As {@link GroupLevels#clamp}. */
  long @Nullable [] clamp(long input, long output) {
    long most = limits[1];
    if (most == 0 || input + output <= most) {
      return new long[] {input, output};
    }
    long in = Math.min(input, most);
    return input + output > 2 * most ? null : new long[] {in, most - in};
  }

  /** The load with this cost; NaN if it has no room. */
  double load(int kind, long cost, long now) {
    if (limits[kind] == 0 || cost == 0) {
      return 0;
    }
    double full = used(kind, now) + cost;
    return full <= limits[kind] ? full / limits[kind] : Double.NaN;
  }

  /** When it has room for this cost. */
  long opens(int kind, long cost, long now) {
    if (!Double.isNaN(load(kind, cost, now))) {
      return now;
    }
    if (!rule.rolls()) {
      return rule.end(now);
    }
    long over = used(kind, now) + cost - limits[kind];
    for (var slot : amounts.tailMap(first(now)).entrySet()) {
      over -= slot.getValue()[kind];
      if (over <= 0) {
        return rule.begin(slot.getKey() + OF_DAY + 1);
      }
    }
    throw new AssertionError("an empty day has room");
  }
}
