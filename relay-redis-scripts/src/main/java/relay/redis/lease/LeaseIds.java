package relay.redis.lease;

import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/** Ids that are unique among engines: a random start of 60 bits, and a number. */
public final class LeaseIds {
  private final String start;
  private final AtomicLong next = new AtomicLong();

  public LeaseIds(RandomGenerator random) {
    start = Long.toString(random.nextLong(1L << 60), 36) + "-";
  }

  public String next() {
    return start + Long.toString(next.incrementAndGet(), 36);
  }
}
