package relay.carrier;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File descriptors that no client's connection may take: providers, Redis and operators need them.
 * While only the reserve is left, the client port accepts nothing. New clients wait in the kernel's
 * backlog, and the requests of the others go on.
 *
 * <p>To count descriptors takes a directory listing. So each count permits half of the free ones;
 * the other half is for the connections to providers of those clients. Thread-safe, without locks.
 */
public final class DescriptorReserve {
  /** How long the port accepts nothing before it counts again. */
  public static final long PAUSE_MS = 100;

  private static final Logger log = LoggerFactory.getLogger(DescriptorReserve.class);
  private static final int SHARE = 4;
  private static final long LEAST = 16;
  private static final long MOST = 1024;
  private static final long SHORT_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final long LOG_EVERY_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final LongSupplier open;
  private final long limit;
  private final long reserved;
  private final AtomicLong permitted = new AtomicLong();
  private final AtomicLong pauses = new AtomicLong();
  private volatile long pausedAtNanos;
  private final AtomicLong nextLogNanos = new AtomicLong(System.nanoTime());

  /**
   * @param open the number of open descriptors; negative if it cannot be determined
   * @param limit the most that may be open
   */
  DescriptorReserve(LongSupplier open, long limit) {
    this.open = open;
    this.limit = limit;
    reserved = Math.clamp(limit / SHARE, LEAST, MOST);
  }

  /** The reserve of this process. */
  public static DescriptorReserve ofProcess() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? new DescriptorReserve(unix::getOpenFileDescriptorCount, unix.getMaxFileDescriptorCount())
        : new DescriptorReserve(() -> 0, Long.MAX_VALUE);
  }

  /** Whether a client's connection may be accepted now. If not, pause for {@link #PAUSE_MS}. */
  public boolean permits() {
    if (permitted.getAndDecrement() > 0) {
      return true;
    }
    long now = open.getAsLong();
    long free = now < 0 ? 0 : limit - now - reserved;
    if (free > 0) {
      permitted.set(free / 2);
      return true;
    }
    permitted.set(0);
    pausedAtNanos = System.nanoTime();
    pauses.getAndIncrement();
    report(now);
    return false;
  }

  /** On another thread: the caller may be a carrier, and a logger has locks. */
  private void report(long now) {
    long due = nextLogNanos.get();
    long time = System.nanoTime();
    if (time - due >= 0 && nextLogNanos.compareAndSet(due, time + LOG_EVERY_NANOS)) {
      Carrier.startThread(
          () ->
              log.warn(
                  "{} of {} file descriptors are open: new clients wait, because the last {} are"
                      + " reserved for providers and Redis; raise the limit (ulimit -n)",
                  now,
                  limit,
                  reserved));
    }
  }

  /** Whether the port paused a moment ago: what is not needed now should be closed. */
  public boolean isShort() {
    return pauses.get() > 0 && System.nanoTime() - pausedAtNanos < SHORT_NANOS;
  }

  /** Pauses so far. */
  public long pauses() {
    return pauses.get();
  }
}
