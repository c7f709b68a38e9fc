package relay.upstream;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs what a lone thread survives, one failure a minute at most. For that thread only. */
final class ThreadFailures {
  private static final Logger log = LoggerFactory.getLogger(ThreadFailures.class);
  private static final long PAUSE_NANOS = Duration.ofMinutes(1).toNanos();

  private final LongSupplier clock;
  private long next;
  private long untold;

  /**
   * @param clock nanoseconds of any origin
   */
  ThreadFailures(LongSupplier clock) {
    this.clock = clock;
    next = clock.getAsLong();
  }

  /** Logs a failure, or counts it for the next line. Returns whether it was logged. */
  boolean tell(Throwable failure) {
    long now = clock.getAsLong();
    untold++;
    if (now - next < 0) {
      return false;
    }
    try {
      log.error("{} failures in a thread of Relay, which goes on; the last:", untold, failure);
    } catch (Throwable e) {
      return false; // out of memory: the thread must go on without the line
    }
    next = now + PAUSE_NANOS;
    untold = 0;
    return true;
  }
}
