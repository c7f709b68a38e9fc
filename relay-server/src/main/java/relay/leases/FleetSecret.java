package relay.leases;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.Notes;

/**
 * A secret that all replicas share through Redis: the first one makes it. A replica that knows it
 * writes it again if Redis has lost it, so it changes only with a fleet that knows none.
 * Thread-safe.
 */
final class FleetSecret {
  private static final String NAME = "secret";
  private static final int BYTES = 32;
  private static final Duration KEEP = Duration.ofDays(7);

  /** How often a replica looks whether others have another one. */
  private static final Duration LOOK = Duration.ofMinutes(1);

  /** How often it looks at most because of an id that it does not know: anybody may send those. */
  private static final Duration LEAST = Duration.ofSeconds(1);

  private final Notes notes;
  private final LongSupplier nanoTime;
  private volatile @Nullable Known known;

  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Known(byte[] secret, String text, long askedNanos) {}

  FleetSecret(Notes notes, LongSupplier nanoTime) {
    this.notes = notes;
    this.nanoTime = nanoTime;
  }

  /** The secret. Blocks the first time; throws if Redis does not answer then. */
  byte[] get() {
    Known now = known;
    if (now == null) {
      return ask().join().secret();
    }
    if (isOlder(now, LOOK)) {
      known = new Known(now.secret(), now.text(), nanoTime.getAsLong()); // one asks
      var _ = ask();
    }
    return now.secret();
  }

  /**
   * The secret, once more from Redis unless that was read just before. An id was not made with
   * {@code tried}.
   *
   * @return null if it is the same
   */
  byte @Nullable [] otherThan(byte[] tried) {
    Known now = known;
    if (now != null && isOlder(now, LEAST)) {
      now = ask().join();
    }
    return now == null || Arrays.equals(now.secret(), tried) ? null : now.secret();
  }

  private boolean isOlder(Known one, Duration age) {
    return nanoTime.getAsLong() - one.askedNanos() >= age.toNanos();
  }

  private CompletableFuture<Known> ask() {
    Known before = known;
    long asked = nanoTime.getAsLong();
    return notes
        .keep(NAME, before == null ? fresh() : before.text(), KEEP)
        .thenApply(
            text -> {
              Known now = new Known(HexFormat.of().parseHex(text), text, asked);
              known = now;
              return now;
            });
  }

  private static String fresh() {
    byte[] secret = new byte[BYTES];
    new SecureRandom().nextBytes(secret);
    return HexFormat.of().formatHex(secret);
  }
}
