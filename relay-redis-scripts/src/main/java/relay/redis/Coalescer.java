package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Lets what arrives while calls are under way share the next call. Nothing waits for others to
 * come: at low rates each has a call of its own, at once; the higher the load, the more share one.
 *
 * <p>What is queued is bounded by the callers, each of whom waits for an answer or keeps what was
 * not sent.
 */
final class Coalescer<T> {
  private final int together;
  private final Function<List<T>, CompletableFuture<?>> call;
  private final Semaphore free;
  private final Queue<T> queue = new ConcurrentLinkedQueue<>();

  /**
   * @param underWay calls under way at most
   * @param together most that share a call
   * @param call makes a call; its future is done when the call is over
   */
  Coalescer(int underWay, int together, Function<List<T>, CompletableFuture<?>> call) {
    this.together = together;
    this.call = call;
    free = new Semaphore(underWay);
  }

  /** The first of a queue, up to so many; empty if others were faster. */
  static <T> List<T> take(Queue<T> queue, int most) {
    List<T> some = new ArrayList<>();
    for (T one = queue.poll(); one != null; one = some.size() < most ? queue.poll() : null) {
      some.add(one);
    }
    return some;
  }

  void add(T one) {
    queue.add(one);
    drain();
  }

  private void drain() {
    // Looked at again after each release: one that was added meanwhile found no call free
    while (!queue.isEmpty() && free.tryAcquire()) {
      List<T> some = take(queue, together);
      if (some.isEmpty()) {
        free.release();
      } else {
        begin(some);
      }
    }
  }

  private void begin(List<T> some) {
    CompletableFuture<?> made;
    try {
      made = call.apply(some);
    } catch (RuntimeException | Error e) {
      free.release();
      throw e;
    }
    if (made.isDone()) {
      free.release(); // the loop goes on: without Redis a long queue would be a deep stack
      return;
    }
    var _ =
        made.whenComplete(
            (done, failure) -> {
              free.release();
              drain();
            });
  }
}
