package relay.edge;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
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
  private final Map<Which, Tally> tallies = new EnumMap<>(Which.class);
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

  private static final class Tally {
    private final LongAdder all = new LongAdder();
    private final AtomicLong told = new AtomicLong(); // by the line before

    long untold() {
      long now = all.sum();
      return now - told.getAndSet(now);
    }
  }

  ShedConnections() {
    this(log::warn, System::nanoTime);
  }

  ShedConnections(Consumer<String> lines, LongSupplier nanoTime) {
    this.lines = lines;
    this.nanoTime = nanoTime;
    for (Which which : Which.values()) {
      tallies.put(which, new Tally());
    }
    nextAt = new AtomicLong(nanoTime.getAsLong());
  }

  void count(Which which) {
    tally(which).all.increment();
    long now = nanoTime.getAsLong();
    long next = nextAt.get();
    if (now - next >= 0 && nextAt.compareAndSet(next, now + PAUSE_NANOS)) {
      lines.accept(
          ("no memory for more connections; closed since the last such line: %d without a"
                  + " credential, the oldest first; %d new ones; %d with an unfinished head")
              .formatted(
                  tally(Which.STRANGER).untold(),
                  tally(Which.NEWCOMER).untold(),
                  tally(Which.HEAD).untold()));
    }
  }

  /**
   * Since the start.
   *
   * @param which a name of {@link Which}, in lower case
   */
  long count(String which) {
    return tally(Which.valueOf(which.toUpperCase(Locale.ROOT))).all.sum();
  }

  private Tally tally(Which which) {
    return Objects.requireNonNull(tallies.get(which));
  }
}
