package relay.redis.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Batches items that arrive while calls are in flight. No item waits for others to arrive: at low
 * rates each item gets its own call at once; under load one call carries many.
 *
 * <p>The callers bound the queue: each waits for its answer, or keeps what was not sent.
 */
public final class Coalescer<T> {
  private final int batch;
  private final Function<List<T>, CompletableFuture<?>> call;
  private final Semaphore permits;
  private final Queue<T> queue = new ConcurrentLinkedQueue<>();

  /**
   * @param maxInFlight most calls in flight at once
   * @param batch most items of a call
   * @param call makes a call; its future completes when the call is over
   */
  public Coalescer(int maxInFlight, int batch, Function<List<T>, CompletableFuture<?>> call) {
    this.batch = batch;
    this.call = call;
    permits = new Semaphore(maxInFlight);
  }

  /** Removes up to {@code most} items from the queue; empty if other threads took them first. */
  static <T> List<T> takeUpTo(Queue<T> queue, int most) {
    List<T> some = new ArrayList<>();
    for (T one = queue.poll(); one != null; one = some.size() < most ? queue.poll() : null) {
      some.add(one);
    }
    return some;
  }

  public void add(T one) {
    queue.add(one);
    drain();
  }

  private void drain() {
    // Check again after each release: an item added in between found no permit
    while (!queue.isEmpty() && permits.tryAcquire()) {
      List<T> some = takeUpTo(queue, batch);
      if (some.isEmpty()) {
        permits.release();
      } else {
        start(some);
      }
    }
  }

  private void start(List<T> some) {
    CompletableFuture<?> made;
    try {
      made = call.apply(some);
    } catch (RuntimeException | Error e) {
      permits.release();
      throw e;
    }
    if (made.isDone()) {
      permits.release(); // loop instead: without Redis, recursion could be deep
      return;
    }
    var _ =
        made.whenComplete(
            (done, failure) -> {
              permits.release();
              drain();
            });
  }
}
