package relay.redis;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * What was used without Redis, by group, of the last window: what is older counts against no limit
 * any more, at the provider's least of all. Not thread-safe.
 */
final class OutageUsage {
  private static final int SLOTS = 16; // of a window, the oldest counted whole

  private final long slotNanos;
  private final Deque<Slot> slots = new ArrayDeque<>();

  private record Slot(long since, Map<String, Usage> used) {}

  OutageUsage(Duration window) {
    slotNanos = window.toNanos() / SLOTS;
  }

  void add(String group, Usage usage, long nanos) {
    forget(nanos);
    if (slots.isEmpty() || nanos - slots.getLast().since() >= slotNanos) {
      slots.add(new Slot(nanos, new HashMap<>()));
    }
    slots.getLast().used().merge(group, usage, Usage::plus);
  }

  /** All of it, which is owed no longer. */
  Map<String, Usage> take(long nanos) {
    forget(nanos);
    Map<String, Usage> all = new HashMap<>();
    slots.forEach(slot -> slot.used().forEach((group, u) -> all.merge(group, u, Usage::plus)));
    slots.clear();
    return all;
  }

  private void forget(long nanos) {
    while (!slots.isEmpty() && nanos - slots.getFirst().since() > (SLOTS + 1) * slotNanos) {
      slots.removeFirst();
    }
  }
}
