package relay.guards;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;

/**
 * Bounds on the cost of the hot path, in figures that do not depend on the machine's load:
 * allocated bytes, system calls, Redis commands and instructions. Each bound is 15 to 25 % above
 * the value measured when it was set, unless it says otherwise; the build prints the current
 * values. Lower a bound after an improvement.
 */
public enum CostBound {
  // Bytes allocated per call of a component.
  SCAN_2_KB(2_000),
  SCAN_50_KB(3_200),
  SCAN_WITH_SESSION_2_KB(3_200),
  SCAN_WITH_SESSION_50_KB(4_400),
  USAGE_OF_JSON(600),
  USAGE_OF_30_EVENTS(640),
  USAGE_OF_ONE_MORE_EVENT(1),
  ESTIMATE(40),
  AUTHENTICATE(980),
  HEADERS_TO_THE_PROVIDER(1_600),
  HEADERS_TO_THE_CLIENT(145),
  RATE_LIMIT_HEADERS(1_100),
  REQUEST_LINE(2_200),

  // Bytes allocated by a replica per request, over all threads, with C1 code. Includes the saved
  // stack of the virtual thread that waits for the grant.
  REQUEST_2_KB(42_000),
  REQUEST_50_KB(37_500),
  // For a stream this depends on the number of reads that deliver its events: 40,000 to 52,000.
  REQUEST_30_EVENTS(60_000),
  REQUEST_2_KB_BY_TLS(42_000),
  REQUEST_30_EVENTS_BY_TLS(62_000),

  // Per request: system calls that read or write; those that wait for sockets are not counted.
  // The least is six: one of each for the client, the provider and Redis.
  READS_AND_WRITES(7),

  // Per request: function calls, and all commands including those inside functions. One call
  // acquires a key and ends the previous request's lease; on a slow machine some leases end in a
  // separate call.
  REDIS_CALLS(1.5),
  REDIS_COMMANDS(12.5),

  // Instructions of Redis, under Valgrind, on amd64: each bound is some 5 % above the value.
  INSTRUCTIONS_OF_8_KEYS(486_000),
  INSTRUCTIONS_OF_1_000_KEYS(587_000),
  INSTRUCTIONS_IN_THE_QUEUE(799_000),
  INSTRUCTIONS_OF_BUDGETS(446_000);

  private final double most;

  CostBound(double most) {
    this.most = most;
  }

  /** Fails if the measured value exceeds the bound; prints the value. */
  public void hold(double measured) {
    String figure =
        String.format(Locale.ROOT, "%s: %,.1f measured, at most %,.1f", this, measured, most);
    System.out.println(figure);
    assertTrue(
        measured <= most,
        figure
            + ". The hot path became more expensive: find and remove the cost that your change"
            + " adds. If it is intended and justified, raise the bound in"
            + " guards/java/relay/guards/CostBound.java and explain it in the commit.");
  }
}
