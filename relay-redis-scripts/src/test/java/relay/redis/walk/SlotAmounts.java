package relay.redis.walk;

import java.util.Arrays;

/**
 * What was charged per slot number, summed on each read. The slots lie in order in arrays: the
 * simulations read a sum of hundreds of slots for each event.
 */
final class SlotAmounts {
  private long[] numbers = new long[16];
  private final long[][] amounts = {new long[16], new long[16], new long[16]};
  private int count;

  void clear() {
    count = 0;
  }

  void add(long slot, long requests, long input, long output) {
    int n = first(slot);
    if (n == count || numbers[n] != slot) {
      if (count == numbers.length) {
        numbers = Arrays.copyOf(numbers, 2 * count);
        for (int d = 0; d < amounts.length; d++) {
          amounts[d] = Arrays.copyOf(amounts[d], 2 * count);
        }
      }
      insert(numbers, n, slot);
      for (long[] all : amounts) {
        insert(all, n, 0);
      }
      count++;
    }
    amounts[0][n] += requests;
    amounts[1][n] += input;
    amounts[2][n] += output;
  }

  private void insert(long[] all, int n, long value) {
    System.arraycopy(all, n, all, n + 1, count - n);
    all[n] = value;
  }

  /** The sum of a dimension over the slots from one number to another, both included. */
  long sum(int d, long from, long to) {
    if (d == 3) {
      return sum(1, from, to) + sum(2, from, to);
    }
    long sum = 0;
    long[] all = amounts[d];
    for (int n = first(from); n < count && numbers[n] <= to; n++) {
      sum += all[n];
    }
    return sum;
  }

  /** The place of the first slot of at least this number. */
  private int first(long slot) {
    int n = Arrays.binarySearch(numbers, 0, count, slot);
    return n < 0 ? -n - 1 : n;
  }
}
