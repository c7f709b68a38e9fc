package relay;

import java.util.Random;
import java.util.SplittableRandom;

/**
 * Seeds for tests with random input. They differ in each run unless {@code -Drelay.seed=N} repeats
 * a failed run. Put {@link #toString} into every message.
 */
public final class Seeds {
  private final long first = Long.getLong("relay.seed", new SplittableRandom().nextLong() >>> 1);

  /** The random numbers of the n-th try. */
  public Random random(int n) {
    return new Random(first + n);
  }

  /** The options that repeat only the n-th try. */
  public String replay(int n) {
    return "replay: -Drelay.seed=" + (first + n);
  }

  /** The number of tries, or 1 when a single try is repeated. */
  public int tries(int wanted) {
    return Long.getLong("relay.seed") == null ? wanted : 1;
  }

  /** A copy with a few bytes changed, removed, inserted or repeated. */
  public static byte[] mutated(byte[] original, Random random, String likely) {
    byte[] out = original;
    for (int n = random.nextInt(4); n >= 0; n--) {
      int at = random.nextInt(out.length + 1);
      int to = Math.min(out.length, at + random.nextInt(random.nextInt(8) == 0 ? 300 : 6));
      byte[] middle =
          switch (random.nextInt(4)) {
            case 0 -> new byte[0];
            case 1 -> new byte[] {(byte) random.nextInt(256)};
            case 2 -> new byte[] {(byte) likely.charAt(random.nextInt(likely.length()))};
            default -> twice(out, at, to);
          };
      byte[] next = new byte[at + middle.length + out.length - to];
      System.arraycopy(out, 0, next, 0, at);
      System.arraycopy(middle, 0, next, at, middle.length);
      System.arraycopy(out, to, next, at + middle.length, out.length - to);
      out = next;
    }
    return out;
  }

  private static byte[] twice(byte[] bytes, int from, int to) {
    int length = to - from;
    byte[] twice = new byte[2 * length];
    System.arraycopy(bytes, from, twice, 0, length);
    System.arraycopy(bytes, from, twice, length, length);
    return twice;
  }
}
