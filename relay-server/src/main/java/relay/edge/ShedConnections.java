package relay.edge;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the connections of clients that were closed for want of memory, and logs them: at most one
 * line a minute. Takes no lock: I/O threads count.
 */
final class ShedConnections {
  static final long PAUSE_NANOS = 60_000_000_000L;

  private static final Logger log = LoggerFactory.getLogger(ShedConnections.class);

  private final Consumer<String> lines;
  private final LongSupplier nanoTime;
  private final LongAdder[] counts = new LongAdder[Which.values().length];
  private final AtomicLongArray told = new AtomicLongArray(counts.length); // by the line before
  private final AtomicLong nextAt;

  /** Why a connection was closed. */
  enum Which {
    /** The oldest of those that have shown no credential, to make room. */
    STRANGER,
    /** A new one, for which no room could be made. */
    NEWCOMER,
    /** One with an unfinished head. */
    HEAD
  }

  ShedConnections() {
    this(log::warn, System::nanoTime);
  }

  ShedConnections(Consumer<String> lines, LongSupplier nanoTime) {
    this.lines = lines;
    this.nanoTime = nanoTime;
    Arrays.setAll(counts, _ -> new LongAdder());
    nextAt = new AtomicLong(nanoTime.getAsLong());
  }

  void count(Which which) {
    counts[which.ordinal()].increment();
    long now = nanoTime.getAsLong();
    long next = nextAt.get();
    if (now - next >= 0 && nextAt.compareAndSet(next, now + PAUSE_NANOS)) {
      lines.accept(
          ("no memory for more connections; closed since the last such line: %d without a"
                  + " credential, the oldest first; %d new ones; %d with an unfinished head")
              .formatted(untold(Which.STRANGER), untold(Which.NEWCOMER), untold(Which.HEAD)));
    }
  }

  /**
   * Since the start.
   *
   * @param which a name of {@link Which}, in lower case
   */
  long count(String which) {
    return counts[Which.valueOf(which.toUpperCase(Locale.ROOT)).ordinal()].sum();
  }

  private long untold(Which which) {
    long now = counts[which.ordinal()].sum();
    return now - told.getAndSet(which.ordinal(), now);
  }
}
