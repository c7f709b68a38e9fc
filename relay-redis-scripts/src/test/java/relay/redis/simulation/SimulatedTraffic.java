package relay.redis.simulation;

import java.util.SplittableRandom;

/**
 * Requests of about one size, at random times, at three times the limit's rate. The draws do not
 * depend on the results, so all rules get the same requests.
 */
final class SimulatedTraffic {
  /** What is known of a request's cost before it is sent. */
  enum Kind {
    /** The exact cost. */
    KNOWN("Known costs", 0, 0),
    /** Nothing, as with an agent: outputs have a heavy tail and are produced at a steady speed. */
    AGENTS("Agents", 8, 1),
    EVEN("Agents, deviation 0.5", 8, 0.5),
    WILD("Agents, deviation 1.5", 8, 1.5),
    SLOW_EVEN("Agents, answers of 40 s, deviation 0.5", 40, 0.5),
    SLOW("Agents, answers of 40 s", 40, 1),
    SLOW_WILD("Agents, answers of 40 s, deviation 1.5", 40, 1.5);

    final String title;

    /** In which a mean output is made. */
    final int seconds;

    /** The standard deviation of outputs' natural logarithm. At 1, one in ten is 2.2 means. */
    final double spread;

    Kind(String title, int seconds, double spread) {
      this.title = title;
      this.seconds = seconds;
      this.spread = spread;
    }

    /** Until what an idle bucket gave at once is paid back. */
    int warmMinutes() {
      return seconds < 40 ? 2 : 5;
    }

    /** Whether the usual algorithms are compared, too. */
    boolean isCompared() {
      return this == KNOWN || this == AGENTS;
    }
  }

  /** Tokens a minute. */
  static final long LIMIT = 200_000;

  static final long START = 1_790_000_000_000_000L;
  static final int OVERLOAD = 3;
  private static final long MOST_DELAY = 200_000;

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
    double spread = kind.spread;
    long tokens =
        kind == Kind.KNOWN
            ? Math.round(mean)
            : Math.clamp(
                Math.round(mean * StrictMath.exp(spread * normal - spread * spread / 2)), 1, LIMIT);
    return new Request(++number, at, replica, delay, tokens);
  }

  /** By Box and Muller. */
  private double normal() {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
  }
}
