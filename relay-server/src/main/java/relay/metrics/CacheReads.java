package relay.metrics;

import java.util.concurrent.atomic.AtomicLong;
import relay.model.TokenUsage;

/**
 * Two decaying sums of a pool as floats in one word: the prompts' tokens that the provider read
 * from its cache, and all of them. An answer counts half after 34 further ones.
 */
final class CacheReads {
  private static final float KEPT = 0.98f;

  private CacheReads() {}

  static void add(AtomicLong sums, TokenUsage usage) {
    long read = usage.cacheReadTokens();
    long all = read + usage.inputTokens() + usage.cacheCreationTokens();
    long seen;
    do {
      seen = sums.get();
    } while (!sums.compareAndSet(seen, packed(read(seen) * KEPT + read, all(seen) * KEPT + all)));
  }

  static double ratio(AtomicLong sums) {
    long seen = sums.get();
    return all(seen) > 0 ? read(seen) / all(seen) : 0;
  }

  private static long packed(float read, float all) {
    return (long) Float.floatToRawIntBits(read) << Integer.SIZE
        | Integer.toUnsignedLong(Float.floatToRawIntBits(all));
  }

  private static float read(long sums) {
    return Float.intBitsToFloat((int) (sums >>> Integer.SIZE));
  }

  private static float all(long sums) {
    return Float.intBitsToFloat((int) sums);
  }
}
