package relay.redis;

import java.util.SplittableRandom;

/**
 * Requests of about one size, at random times, at three times the limit's rate. The draws do not
 * depend on the results, so all rules get the same requests.
 */
final class SimulatedTraffic {
  /** What is known of a request's cost before it is sent. */
  enum Kind {
    /** The exact cost. */
    KNOWN,
    /** Nothing, as with an agent: outputs have a heavy tail and are produced at a steady speed. */
    AGENTS
  }

  /** Tokens a minute. */
  static final long LIMIT = 200_000;

  static final long START = 1_790_000_000_000_000L;
  static final int OVERLOAD = 3;
  private static final long MOST_DELAY = 200_000;

  /** The standard deviation of outputs' natural logarithm: one in ten is 2.2 times the mean. */
  private static final double SPREAD = 1;

  /** The size before it is cut at the limit. */
  private final double mean;

  private final Kind kind;
  private final int replicas;
  private final SplittableRandom random;
  private long at = START;
  private long number;

  /**
   * A request.
   *
   * @param delay time to the provider, microseconds
   * @param tokens what it costs
   */
  record Request(long number, long at, int replica, long delay, long tokens) {}

  SimulatedTraffic(Kind kind, double size, int replicas) {
    this.kind = kind;
    this.replicas = replicas;
    mean = size * LIMIT;
    random = new SplittableRandom(20_261_125 + Math.round(size * 10_000));
  }

  Request next() {
    at +=
        Math.round(
            -StrictMath.log(1 - random.nextDouble()) * mean * Account.MINUTE / LIMIT / OVERLOAD);
    int replica = (int) (random.nextDouble() * replicas);
    long delay = random.nextLong(MOST_DELAY);
    double normal = normal();
    long tokens =
        kind == Kind.KNOWN
            ? Math.round(mean)
            : Math.clamp(
                Math.round(mean * StrictMath.exp(SPREAD * normal - SPREAD * SPREAD / 2)), 1, LIMIT);
    return new Request(++number, at, replica, delay, tokens);
  }

  /** By Box and Muller. */
  private double normal() {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
  }
}
