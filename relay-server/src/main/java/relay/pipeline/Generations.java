package relay.pipeline;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The generation that new requests begin with, and the earlier ones whose last requests still run.
 * Thread-safe.
 */
final class Generations {
  private final List<Generation> live = new CopyOnWriteArrayList<>();
  private volatile Generation current;

  Generations(Generation first) {
    current = first;
    live.add(first);
  }

  /**
   * New requests begin with another generation.
   *
   * @param ended called once, when the last request of the present one has ended
   */
  void replace(Generation next, Runnable ended) {
    Generation previous = current;
    live.add(next);
    current = next;
    previous
        .running()
        .whenOver(
            () -> {
              live.remove(previous);
              ended.run();
            });
  }

  /** Requests of all generations but one. */
  int othersThan(Generation but) {
    if (live.size() == 1) {
      return 0;
    }
    return live.stream().filter(one -> one != but).mapToInt(one -> one.running().count()).sum();
  }

  /** Requests of all generations. */
  int running() {
    return live.stream().mapToInt(generation -> generation.running().count()).sum();
  }

  /**
   * What a request begins with. It must {@linkplain RunningRequests#enter enter} and then find the
   * same generation current: one that it entered while it was replaced may be over already.
   */
  Generation current() {
    return current;
  }

  /** Cancels all requests, and those that begin later. */
  void cutOff() {
    live.forEach(generation -> generation.running().cutOff());
  }
}
