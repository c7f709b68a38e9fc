package relay.upstream;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cancels calls whose provider is silent for too long. One thread checks all calls periodically:
 * socket timeouts would cost a timer per read. Without any it rests.
 */
final class IdleWatch implements AutoCloseable {
  private static final long LOOKS_PER_TIMEOUT = 20;
  private static final long MAX_PAUSE_NANOS = 1_000_000_000;
  private static final long REST_NANOS = 10_000_000_000L; // idle connections live for minutes

  private static final Logger log = LoggerFactory.getLogger(IdleWatch.class);
  private static final long REPEAT_NANOS = 60_000_000_000L;

  private volatile long idleNanos;
  private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
  private final BooleanSupplier onLook;
  private final Thread watcher;
  private long faults; // watcher only, as the next
  private long reportedAt;
  private volatile boolean resting;
  private volatile boolean closed;

  /**
   * @param onLook a task to run at each check; tells whether it must run again soon, although no
   *     call is watched
   */
  IdleWatch(Duration idleTimeout, BooleanSupplier onLook) {
    this.onLook = onLook;
    idleNanos = idleTimeout.toNanos();
    watcher = Thread.ofPlatform().name("upstream-idle").daemon().start(this::watch);
  }

  /** A watched call. Close it to end the watch. */
  final class Watched implements AutoCloseable {
    private final Runnable cancel;
    private volatile long heardAt = System.nanoTime();
    private volatile boolean reading = true;
    private volatile boolean silent;

    private Watched(Runnable cancel) {
      this.cancel = cancel;
    }

    /** Records that the provider sent data, or that a wait for it begins. */
    void heard() {
      heardAt = System.nanoTime();
    }

    /** Whether a thread waits for the provider. Else its silence may be the client's fault. */
    void reading(boolean now) {
      reading = now;
    }

    /** Whether the watch cancelled the call. */
    boolean wasSilent() {
      return silent;
    }

    private boolean end() {
      silent = true;
      try {
        cancel.run();
      } catch (Throwable e) { // the other calls must end, too
        report(e);
      }
      return true;
    }

    @Override
    public void close() {
      watched.remove(this);
    }
  }

  /** Holds from the next look on, for calls under way, too. */
  void idleTimeout(Duration timeout) {
    idleNanos = timeout.toNanos();
    LockSupport.unpark(watcher);
  }

  /**
   * Begins a watch.
   *
   * @param cancel ends the call, on the thread of the watch
   */
  Watched watch(Runnable cancel) {
    Watched one = new Watched(cancel);
    watched.add(one);
    if (resting) {
      LockSupport.unpark(watcher); // it sets its pause by the calls
    }
    return one;
  }

  /** The number of watched calls. */
  int watching() {
    return watched.size();
  }

  private void watch() {
    boolean soon = true;
    while (!closed) {
      long most = idleNanos;
      if (!soon) {
        rest();
      }
      LockSupport.parkNanos(this, Math.min(MAX_PAUSE_NANOS, most / LOOKS_PER_TIMEOUT));
      soon = true;
      try {
        soon = look(most);
      } catch (Throwable e) { // without this thread, silent providers would hold requests for ever
        report(e);
      }
    }
  }

  private void rest() {
    resting = true;
    if (watched.isEmpty() && !closed) {
      LockSupport.parkNanos(this, REST_NANOS);
    }
    resting = false;
  }

  private boolean look(long most) {
    long now = System.nanoTime();
    watched.removeIf(one -> one.reading && now - one.heardAt >= most && one.end());
    return onLook.getAsBoolean() || !watched.isEmpty();
  }

  private void report(Throwable fault) {
    long now = System.nanoTime();
    if (faults++ > 0 && now - reportedAt < REPEAT_NANOS) {
      return;
    }
    reportedAt = now;
    try {
      log.error("thread upstream-idle goes on after a fault; faults so far: {}", faults, fault);
    } catch (Throwable e) {
      // probably no memory: the next fault is logged in a minute
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }
}
