package relay.guards;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;

/**
 * What the way of a request may cost, in figures that a busy machine does not change: bytes
 * allocated, commands of Redis. Each bound lies some 15 to 25 % above what was measured when it was
 * set; the build's output has what is measured now. Lower a bound whenever something got cheaper.
 */
public enum CostBound {
  // Bytes allocated by a call of a pure part.
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

  // Bytes allocated by a replica for a request, all threads, code compiled but not optimized.
  // It waits for its grant on its virtual thread, whose stack is put aside meanwhile.
  REQUEST_2_KB(52_000),
  REQUEST_50_KB(50_000),
  // Of a stream it depends on how many reads its events come with: 45,000 to 62,000 were seen.
  REQUEST_30_EVENTS(75_000),

  // For a request: calls of Redis's functions, one before the provider is asked, which ends the
  // lease of the request before; on a slow machine some leases end in a call of their own. And all
  // commands, those inside of functions included.
  REDIS_CALLS(1.5),
  REDIS_COMMANDS(12.5);

  private final double most;

  CostBound(double most) {
    this.most = most;
  }

  /** Fails if more was measured than is allowed; prints what was. */
  public void hold(double measured) {
    String figure =
        String.format(Locale.ROOT, "%s: %,.1f measured, at most %,.1f", this, measured, most);
    System.out.println(figure);
    assertTrue(
        measured <= most,
        figure
            + ". The hot path got dearer: find what your change adds to it and take it off. If it"
            + " is meant and worth it, raise the bound in guards/java/relay/guards/CostBound.java,"
            + " and say why in the commit.");
  }
}
