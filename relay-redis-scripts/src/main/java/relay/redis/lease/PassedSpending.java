package relay.redis.lease;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import relay.redis.model.Budget;

/**
 * Spending of requests that Redis did not grant, until it is sent. By key and by the budget's
 * label: a change of the plan may reorder a key's budgets meanwhile, or take some away.
 */
final class PassedSpending {
  private final LongSupplier nanoTime;
  private final Map<String, Map<String, Sum>> byKey = new HashMap<>(); // guarded by this

  /**
   * A sum in a budget's unit.
   *
   * @param ends whether it is known when its period is over
   * @param endsAt by this replica's clock
   */
  record Sum(long amount, boolean ends, long endsAt) {
    private static final Sum NONE = new Sum(0, false, 0);

    private boolean isOver(long now) {
      return ends && now - endsAt >= 0;
    }

    private Sum plus(Sum more, long now) {
      if (isOver(now)) {
        return more;
      }
      return more.isOver(now)
          ? this
          : new Sum(amount + more.amount, ends || more.ends, ends ? endsAt : more.endsAt);
    }
  }

  PassedSpending(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Adds to what is to be told.
   *
   * @param budget with the time that is left of its period, if it is known
   */
  void add(String key, Budget.Spent budget, long amount) {
    long left = budget.left().toNanos();
    Sum sum = new Sum(amount, left > 0, nanoTime.getAsLong() + left);
    add(key, Map.of(budget.budget().label(), sum));
  }

  /** Likewise: for example what was taken, but not sent. */
  synchronized void add(String key, Map<String, Sum> sums) {
    long now = nanoTime.getAsLong();
    Map<String, Sum> all = byKey.computeIfAbsent(key, k -> new HashMap<>());
    sums.forEach((label, sum) -> all.merge(label, sum, (old, more) -> old.plus(more, now)));
  }

  synchronized long of(String key, Budget budget) {
    return of(byKey.getOrDefault(key, Map.of()), budget);
  }

  /** A budget's sum, of those of its key: nothing if its period is over. */
  long of(Map<String, Sum> sums, Budget budget) {
    Sum sum = sums.getOrDefault(budget.label(), Sum.NONE);
    return sum.isOver(nanoTime.getAsLong()) ? 0 : sum.amount();
  }

  /** Takes a key's sums, to send them. */
  synchronized Map<String, Sum> take(String key) {
    Map<String, Sum> sums = byKey.remove(key);
    return sums == null ? Map.of() : sums;
  }
}
