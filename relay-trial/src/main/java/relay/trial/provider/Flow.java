package relay.trial.provider;

import java.time.Duration;
import java.util.Arrays;

/**
 * What all accounts admitted together.
 *
 * @param longestPause the longest time without an admission
 * @param least admissions in a second
 * @param most admissions in a second
 */
public record Flow(Duration longestPause, long least, long most) {
  /**
   * @param admissions their times, in order, from one time up to another
   */
  public static Flow of(long[] admissions, long fromNanos, long toNanos) {
    long second = 1_000_000_000L;
    long[] seconds = new long[(int) Math.max(1, (toNanos - fromNanos) / second)];
    long longest = 0;
    long last = fromNanos;
    for (long time : admissions) {
      longest = Math.max(longest, time - last);
      last = time;
      int at = (int) ((time - fromNanos) / second);
      if (at < seconds.length) { // else in the last one, which is not whole
        seconds[at]++;
      }
    }
    return new Flow(
        Duration.ofNanos(Math.max(longest, toNanos - last)),
        Arrays.stream(seconds).min().orElse(0),
        Arrays.stream(seconds).max().orElse(0));
  }
}
