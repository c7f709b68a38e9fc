package relay.redis.walk;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** What the provider's answers told of a group's limits, in the model. */
public final class AnswersModel {
  private static final long HALF_HOUR = 1_800_000_000L;

  boolean any;
  public final long[] stated = new long[4];
  private long[] seen = none();
  private long[] before = none();
  private long since;

  /** The share of a limit that others used of late, and when; the last answer. */
  private double others;

  private long othersAt;
  long toldAt;

  /** When an answer last had more left than a window would have. */
  final long[] refilledAt = new long[4];

  double othersAt(long now, Shape shape) {
    return others * Math.max(0, 1 - (double) (now - othersAt) / shape.windowMicros());
  }

  /** Redis keeps two decimals. */
  void note(double part, long now, Shape shape) {
    if (part > 0) {
      double all = Math.min(9, othersAt(now, shape) + part);
      others = new BigDecimal(all).setScale(2, RoundingMode.HALF_EVEN).doubleValue();
      othersAt = now;
    }
    toldAt = now;
  }

  private static long[] none() {
    return new long[] {-1, -1, -1, -1};
  }

  private long most(int d) {
    return Math.max(seen[d], before[d]);
  }

  /** How much of a limit the provider's bucket holds. */
  double share(int d) {
    return stated[d] == 0 || most(d) < 0 || most(d) >= 0.9 * stated[d]
        ? 1
        : (double) most(d) / stated[d];
  }

  public double leastShare() {
    return Math.min(Math.min(share(0), share(1)), Math.min(share(2), share(3)));
  }

  /** The share of the burst that such a bucket admits. */
  public static double admitted(double share, double burst, Shape shape) {
    double most = shape.bucket() ? Math.min(0.95, burst) : burst;
    return share == 1 ? 1 : Math.max(1 / 64.0, Math.min(1, 0.95 * share / most));
  }

  /** Whether the time until it is full again is that of a bucket. */
  boolean refills(int d, long limit) {
    return most(d) <= 1.1 * limit;
  }

  /** An answer tells this of what the bucket holds. */
  void note(int d, long limit, double holds) {
    seen[d] = Math.max(seen[d], (long) Math.floor(Math.min(2.0 * limit, holds)));
  }

  /** Call before the notes of an answer. */
  void turn(long now) {
    long passed = now - since;
    if (passed >= HALF_HOUR) {
      before = passed < 2 * HALF_HOUR ? seen : none();
      seen = none();
      since = now;
    }
  }
}
