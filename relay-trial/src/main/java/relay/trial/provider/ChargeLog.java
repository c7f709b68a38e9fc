package relay.trial.provider;

import java.util.Arrays;

/**
 * The last charges of an account, in a ring, with their times: a test can compute the used share of
 * any interval. Output has separate entries ({@code requests} 0), because it is charged while it is
 * produced. Not thread-safe.
 */
final class ChargeLog {
  /** Some 4 MB for each account at most. The ring overwrites the oldest charges. */
  static final int MAX_ENTRIES = 1 << 17;

  private static final int FIELDS = 4;

  /** The charges of an interval. */
  record Sum(long requests, long inputTokens, long outputTokens) {}

  private long[] ring = new long[FIELDS * 256];
  private long count;

  void add(long nanos, long requests, long inputTokens, long outputTokens) {
    if (count == capacity() && capacity() < MAX_ENTRIES) {
      ring =
          Arrays.copyOf(
              ring, ring.length * 2); // the ring has not wrapped, so a copy keeps the order
    }
    int at = offset(count++);
    ring[at] = nanos;
    ring[at + 1] = requests;
    ring[at + 2] = inputTokens;
    ring[at + 3] = outputTokens;
  }

  /** Charges in [from, to). */
  Sum between(long fromNanos, long toNanos) {
    long requests = 0;
    long input = 0;
    long output = 0;
    for (long i = first(); i < count; i++) {
      int at = offset(i);
      if (ring[at] >= fromNanos && ring[at] < toNanos) {
        requests += ring[at + 1];
        input += ring[at + 2];
        output += ring[at + 3];
      }
    }
    return new Sum(requests, input, output);
  }

  /** Times of admissions in [from, to), oldest first. */
  long[] admissions(long fromNanos, long toNanos) {
    long[] times = new long[(int) (count - first())];
    int found = 0;
    for (long i = first(); i < count; i++) {
      int at = offset(i);
      if (ring[at + 1] > 0 && ring[at] >= fromNanos && ring[at] < toNanos) {
        times[found++] = ring[at];
      }
    }
    return Arrays.copyOf(times, found);
  }

  /** Admissions of each second of [from, to), the last one perhaps not whole. */
  int[] perSecond(long fromNanos, long toNanos) {
    int[] seconds = new int[(int) Math.max(0, Math.ceilDiv(toNanos - fromNanos, 1_000_000_000L))];
    for (long time : admissions(fromNanos, toNanos)) {
      seconds[(int) ((time - fromNanos) / 1_000_000_000L)]++;
    }
    return seconds;
  }

  private long first() {
    return Math.max(0, count - capacity());
  }

  private int capacity() {
    return ring.length / FIELDS;
  }

  private int offset(long index) {
    return (int) (index % capacity()) * FIELDS;
  }
}
