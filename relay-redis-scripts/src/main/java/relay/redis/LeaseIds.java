package relay.redis;

import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/** Ids that are unique among engines: a random start of 60 bits, and a number. */
final class LeaseIds {
  private final String start;
  private final AtomicLong next = new AtomicLong();

  LeaseIds(RandomGenerator random) {
    start = Long.toString(random.nextLong(1L << 60), 36) + "-";
  }

  String next() {
    return start + Long.toString(next.incrementAndGet(), 36);
  }
}
