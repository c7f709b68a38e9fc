package relay.pipeline;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The requests of a replica that have no answer yet. Thread-safe. */
final class RunningRequests {
  private final AtomicInteger count = new AtomicInteger();
  private final Set<Cancellation> cancellable = ConcurrentHashMap.newKeySet();
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
    count.getAndDecrement();
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
