package relay.redis;

import java.util.ArrayList;
import java.util.List;

/** What one client of a {@link SharedPool} asked for and got; times in microseconds. */
class ClientTally {
  private final long start;
  final List<Long> grants = new ArrayList<>();
  final List<Long> waits = new ArrayList<>();
  long asked; // calls of Redis
  long sent; // requests that the client sent
  long lost;
  long tokens; // granted

  ClientTally(long start) {
    this.start = start;
  }

  /** Grants between two times, in minutes since the start. */
  double between(double from, double to) {
    double minute = SharedPool.MINUTE;
    return (double)
        grants.stream()
            .filter(at -> at >= start + from * minute && at < start + to * minute)
            .count();
  }

  /** A quantile of the waits of those that were granted. */
  long waited(double quantile) {
    List<Long> all = waits.stream().sorted().toList();
    return all.get((int) Math.ceil(quantile * all.size()) - 1);
  }

  double meanWait() {
    return waits.stream().mapToLong(w -> w).average().orElseThrow();
  }
}
