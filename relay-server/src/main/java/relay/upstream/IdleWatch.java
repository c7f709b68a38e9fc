package relay.upstream;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import okhttp3.Call;

/**
 * Cancels calls whose provider is silent for too long. One thread checks all calls periodically:
 * socket timeouts would cost a timer per read.
 */
final class IdleWatch implements AutoCloseable {
  private static final long LOOKS_PER_TIMEOUT = 20;
  private static final long MAX_PAUSE_NANOS = 1_000_000_000;

  private final long idleNanos;
  private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
  private final Runnable onLook;
  private final ThreadFailures failures = new ThreadFailures(System::nanoTime);
  private final Thread watcher;
  private volatile boolean closed;

  /**
   * @param onLook a task to run at each check
   */
  IdleWatch(Duration idleTimeout, Runnable onLook) {
    this.onLook = onLook;
    idleNanos = idleTimeout.toNanos();
    watcher = Thread.ofPlatform().name("upstream-idle").daemon().start(this::watch);
  }

  /** A watched call. Close it to end the watch. */
  final class Watched implements AutoCloseable {
    private final Call call;
    private volatile long heardAt = System.nanoTime();
    private volatile boolean reading = true;
    private volatile boolean silent;

    private Watched(Call call) {
      this.call = call;
    }

    /** Records that the provider sent data, or that a wait for it begins. */
    void heard() {
      heardAt = System.nanoTime();
    }

    /** Whether a thread waits for the provider. Else its silence may be the client's fault. */
    void reading(boolean now) {
      reading = now;
    }

    private boolean isOverdue(long now) {
      return reading && now - heardAt >= idleNanos;
    }

    /** Whether the watch cancelled the call. */
    boolean wasSilent() {
      return silent;
    }

    private boolean end() {
      silent = true;
      try {
        call.cancel();
      } catch (Throwable e) { // go on with the others
        failures.tell(e);
      }
      return true;
    }

    @Override
    public void close() {
      watched.remove(this);
    }
  }

  Watched watch(Call call) {
    Watched one = new Watched(call);
    watched.add(one);
    return one;
  }

  /** The number of watched calls. */
  int watching() {
    return watched.size();
  }

  private void watch() {
    long pause = Math.min(MAX_PAUSE_NANOS, idleNanos / LOOKS_PER_TIMEOUT);
    while (!closed) {
      LockSupport.parkNanos(this, pause);
      try {
        look(System.nanoTime());
      } catch (Throwable e) { // without this thread, a silent provider would hold requests for ever
        failures.tell(e);
      }
    }
  }

  private void look(long now) {
    watched.removeIf(one -> one.isOverdue(now) && one.end());
    onLook.run();
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }
}
