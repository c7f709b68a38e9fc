package relay.redis.chaos;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A provider that enforces its documented token bucket for each account, and logs what it admits.
 */
final class ChaosProvider {
  private final long limit;
  private final long windowNanos;
  private final Map<String, Account> accounts = new HashMap<>();

  private final class Account {
    private final List<Long> admitted = new ArrayList<>();
    private final List<Long> refused = new ArrayList<>();
    private double level = (double) limit;
    private long atNanos = System.nanoTime();
  }

  /**
   * @param limit requests of each account in a window
   */
  ChaosProvider(long limit, long windowNanos) {
    this.limit = limit;
    this.windowNanos = windowNanos;
  }

  /** Asks it now. Returns whether it admits the request; otherwise it says 429. */
  synchronized boolean admits(String group) {
    long now = System.nanoTime();
    Account account = accounts.computeIfAbsent(group, g -> new Account());
    account.level =
        Math.min(
            (double) limit, account.level + (double) (now - account.atNanos) * limit / windowNanos);
    account.atNanos = now;
    if (account.level < 1) {
      account.refused.add(now);
      return false;
    }
    account.level--;
    account.admitted.add(now);
    return true;
  }

  /** Requests that it admitted in an interval. */
  synchronized long admitted(long fromNanos, long toNanos) {
    return accounts.values().stream().mapToLong(a -> within(a.admitted, fromNanos, toNanos)).sum();
  }

  /** Requests of one account that it admitted in the window that ends now. */
  synchronized long inWindow(String group) {
    long now = System.nanoTime();
    Account account = accounts.get(group);
    return account == null ? 0 : within(account.admitted, now - windowNanos, now);
  }

  synchronized long refused() {
    return accounts.values().stream().mapToLong(a -> a.refused.size()).sum();
  }

  private static long within(List<Long> times, long from, long to) {
    return times.stream().filter(t -> t - from >= 0 && t - to < 0).count();
  }

  /** The most that any window of any account held beyond the limit; what it refused counts, too. */
  synchronized long overshoot() {
    long most = 0;
    for (Account account : accounts.values()) {
      List<Long> all = new ArrayList<>(account.admitted);
      all.addAll(account.refused);
      all.sort(Long::compare);
      int from = 0;
      for (int n = 0; n < all.size(); n++) {
        while (all.get(n) - all.get(from) >= windowNanos) {
          from++;
        }
        most = Math.max(most, n - from + 1 - limit);
      }
    }
    return most;
  }
}
