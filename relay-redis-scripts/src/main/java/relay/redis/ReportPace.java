package relay.redis;

import java.time.Duration;

/**
 * How often a running request reports the output that it has made, and how much of the rest counts.
 *
 * <p>Beside a window output counts from when it is made, and the present usage leaves within a
 * window: of what is made later nothing is expected. A bucket that holds less than the limit is
 * refilled sooner: to expect more of a long stream than it makes until then would leave the bucket
 * unused. But no less than a sixth of a window, or what many streams make together is seen too
 * late.
 *
 * @param every time between two reports
 * @param within output that is made later than this does not count
 */
record ReportPace(Duration every, Duration within) {
  private static final Duration OFTEN = Duration.ofSeconds(2);
  private static final int A_WINDOW = 30; // or so many times in a shorter window
  private static final double LEAST = 1.0 / 6; // of a window

  /**
   * @param bucket the share of the limit that the provider's bucket is known to hold
   * @param renewal time between two renewals of a lease
   */
  static ReportPace of(Accounting accounting, Duration window, double bucket, Duration renewal) {
    boolean whole = accounting == Accounting.TOKEN_BUCKET && bucket >= 1;
    Duration often = shorter(renewal, shorter(OFTEN, window.dividedBy(A_WINDOW)));
    double part = accounting == Accounting.TOKEN_BUCKET ? Math.clamp(bucket, LEAST, 1) : 1;
    return new ReportPace(
        whole ? renewal : often, Duration.ofNanos(Math.round(window.toNanos() * part)));
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
