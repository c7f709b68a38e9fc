package relay.redis;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The end of a pool that an engine no longer serves: when it was asked for, and when it is over.
 */
final class Retirement {
  private final long answeredNanos;
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private volatile boolean begun;
  private volatile long beganNanos;
  private volatile boolean ending;

  /**
   * @param timeout of a call to Redis; twice as long after the beginning no acquire is in flight
   */
  Retirement(Duration timeout) {
    answeredNanos = 2 * timeout.toNanos();
  }

  void begin(long nanos) {
    if (!begun) {
      beganNanos = nanos;
      begun = true;
    }
  }

  boolean hasBegun() {
    return begun;
  }

  /** Whether no grant can come any more, and nothing has ended it yet. */
  boolean isDue(long nanos) {
    return begun && !ending && nanos - beganNanos >= answeredNanos;
  }

  /** The last survey is in flight. */
  void ends() {
    ending = true;
  }

  /**
   * The replica has announced that it leaves.
   *
   * @param quiet whether nothing came up meanwhile
   */
  void left(boolean quiet) {
    if (quiet) {
      over.complete(null);
    } else {
      ending = false;
    }
  }

  CompletableFuture<Void> over() {
    return over;
  }
}
