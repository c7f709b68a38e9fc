package relay.load;

import java.time.Instant;
import java.util.function.LongConsumer;

/**
 * Finds the time stamps in a stream ({@code t=} and 19 digits, nanoseconds since the epoch) and
 * reports their age. A stamp may be split anywhere.
 */
final class Stamps implements BodyPart {
  private static final int DIGITS = 19;

  private final LongConsumer ages;
  private byte previous;
  private int digits = -1; // digits read of the current stamp; -1 outside a stamp
  private long stamp;

  Stamps(LongConsumer ages) {
    this.ages = ages;
  }

  @Override
  public void see(byte[] bytes, int from, int to) {
    long now = 0;
    for (int p = from; p < to; p++) {
      byte b = bytes[p];
      if (digits >= 0 && b >= '0' && b <= '9') {
        stamp = stamp * 10 + (b - '0');
        if (++digits == DIGITS) {
          digits = -1;
          now = now == 0 ? epochNanos() : now;
          ages.accept(now - stamp);
        }
      } else {
        digits = b == '=' && previous == 't' ? 0 : -1;
        stamp = 0;
      }
      previous = b;
    }
  }

  private static long epochNanos() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }
}
