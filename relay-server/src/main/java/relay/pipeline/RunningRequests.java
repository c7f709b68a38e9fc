package relay.pipeline;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import relay.admission.Cancellation;

/** The requests of a generation that have no answer yet. Thread-safe. */
final class RunningRequests {
  private final AtomicInteger count = new AtomicInteger();
  private final Set<Cancellation> cancellable = ConcurrentHashMap.newKeySet();
  private final AtomicReference<@Nullable Runnable> whenOver = new AtomicReference<>();
  private volatile boolean cutOff;

  /**
   * A request begins.
   *
   * @return how many others were running
   */
  int enter() {
    return count.getAndIncrement();
  }

  /** From now on {@link #cutOff} ends this request, too. */
  void register(Cancellation cancellation) {
    cancellable.add(cancellation);
    if (cutOff) {
      cancellation.cutOff();
    }
  }

  /** A request has ended: once for each {@link #enter}. */
  void leave(Cancellation cancellation) {
    cancellable.remove(cancellation);
    abandon();
  }

  /** A request that entered is not one of these after all. */
  void abandon() {
    if (count.decrementAndGet() == 0) {
      tellIfOver();
    }
  }

  /**
   * Calls back when none is running, once: now, or from the thread of the last. To be set when no
   * more will enter, but for those that abandon at once.
   */
  void whenOver(Runnable callback) {
    whenOver.set(callback);
    if (count.get() == 0) {
      tellIfOver();
    }
  }

  private void tellIfOver() {
    Runnable callback = whenOver.get();
    if (callback != null && whenOver.compareAndSet(callback, null)) {
      callback.run();
    }
  }

  /** Cancels all registered requests, and those that register later. */
  void cutOff() {
    cutOff = true;
    cancellable.forEach(Cancellation::cutOff);
  }

  int count() {
    return count.get();
  }
}
