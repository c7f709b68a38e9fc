package relay.redis.outage;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.lease.Used;
import relay.redis.model.Usage;

/**
 * Usage during an outage of Redis, by group, within the last window. Older usage no longer counts
 * against any limit, at the provider either. Not thread-safe.
 */
final class OutageUsage {
  private static final int SLOTS = 16; // per window; the oldest slot counts in full

  private final long slotNanos;
  private final Deque<Slot> slots = new ArrayDeque<>();

  /**
   * What was used.
   *
   * @param nanos in which it was used
   */
  public record Taken(long nanos, Map<String, List<Used>> byGroup) {}

  private static final class Slot {
    final long since;
    final Map<String, Usage> used = new HashMap<>();
    long last;

    Slot(long since) {
      this.since = since;
    }
  }

  OutageUsage(Duration window) {
    slotNanos = window.toNanos() / SLOTS;
  }

  void add(String group, Usage usage, long nanos) {
    dropOld(nanos);
    if (slots.isEmpty() || nanos - slots.getLast().since >= slotNanos) {
      slots.add(new Slot(nanos));
    }
    slots.getLast().last = nanos;
    slots.getLast().used.merge(group, usage, Usage::plus);
  }

  /** Removes and returns all usage. */
  Taken takeAll(long nanos) {
    dropOld(nanos);
    long since = slots.isEmpty() ? nanos : slots.getFirst().since;
    Map<String, List<Used>> all = new HashMap<>();
    for (Slot slot : slots) {
      slot.used.forEach(
          (group, used) ->
              all.computeIfAbsent(group, g -> new ArrayList<>()).add(new Used(used, slot.last)));
    }
    slots.clear();
    return new Taken(nanos - since, all);
  }

  private void dropOld(long nanos) {
    while (!slots.isEmpty() && nanos - slots.getFirst().since > (SLOTS + 1) * slotNanos) {
      slots.removeFirst();
    }
  }
}
