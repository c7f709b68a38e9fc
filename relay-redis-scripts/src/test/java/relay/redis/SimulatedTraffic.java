package relay.redis;

import java.util.SplittableRandom;

/**
 * Requests of about one size, three times as many as the limit can carry, at random times. What is
 * drawn does not depend on what becomes of them: every gate gets the same.
 */
final class SimulatedTraffic {
  /** How much is known of a request's cost before it is sent. */
  enum Kind {
    /** All of it. */
    KNOWN,
    /** An agent's: nothing. Outputs of a heavy tail, made at a steady speed. */
    AGENTS
  }

  /** Tokens a minute. */
  static final long LIMIT = 200_000;

  static final long START = 1_790_000_000_000_000L;
  static final int OVERLOAD = 3;
  private static final long MOST_DELAY = 200_000;

  /** The natural logarithm of outputs has this deviation: one in ten is 2.2 times the mean. */
  private static final double SPREAD = 1;

  /** Of the size, before it is cut at the limit. */
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
