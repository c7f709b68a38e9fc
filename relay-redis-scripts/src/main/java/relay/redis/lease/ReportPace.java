package relay.redis.lease;

import java.time.Duration;
import relay.redis.model.Accounting;

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
public record ReportPace(Duration every, Duration within) {
  private static final long OFTEN_NANOS = 2_000_000_000L;
  private static final int MOST_A_WINDOW = 30; // reports of a request, if the window is short
  private static final double LEAST = 1.0 / 6; // of a window

  /**
   * @param bucket the share of the limit that the provider's bucket is known to hold
   * @param renewal time between two renewals of a lease
   */
  public static ReportPace of(
      Accounting accounting, Duration window, double bucket, Duration renewal) {
    boolean whole = accounting == Accounting.TOKEN_BUCKET && bucket >= 1;
    long often = Math.min(OFTEN_NANOS, window.toNanos() / MOST_A_WINDOW);
    Duration every = whole ? renewal : Duration.ofNanos(Math.min(renewal.toNanos(), often));
    double part = accounting == Accounting.TOKEN_BUCKET ? Math.clamp(bucket, LEAST, 1) : 1;
    return new ReportPace(every, Duration.ofNanos(Math.round(window.toNanos() * part)));
  }
}
