package relay.redis.waiting;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Share;
import relay.redis.waiting.WaitingLine.Parked;

/**
 * The places of a waiting room, by client and priority. If there are too few, the client with most
 * requests of the lowest priority loses its newest one: so no client has all places while others
 * have none. Thread-safe; calls nothing while it holds its lock.
 */
final class WaitingPlaces {
  private final int most;
  private final Map<String, Holder> holders = new HashMap<>();
  private int taken;

  private static final class Holder {
    final int priority;
    final TreeMap<Long, Parked> parked = new TreeMap<>(); // in order of arrival
    long weight = 1;

    Holder(int priority) {
      this.priority = priority;
    }

    /** Whether this client must give up a place rather than the other. */
    boolean hasMoreThan(Holder other) {
      return priority != other.priority
          ? priority > other.priority
          : parked.size() * other.weight > other.parked.size() * weight;
    }
  }

  /**
   * Without requests.
   *
   * @param most the number of places
   */
  WaitingPlaces(int most) {
    this.most = most;
  }

  /**
   * Takes a place for a request, unless it is itself the one to lose it.
   *
   * @return the request that has lost its place; null if there were enough
   */
  synchronized @Nullable Parked enter(Parked newcomer) {
    Share share = newcomer.demand.share();
    int priority = share == null ? Share.PLAIN_PRIORITY : share.priority();
    Holder its = holders.computeIfAbsent(nameOf(newcomer), name -> new Holder(priority));
    its.weight = share == null ? 1 : Math.max(1, share.weight());
    its.parked.put(newcomer.arrival, newcomer);
    taken++;
    if (taken <= most) {
      return null;
    }
    Holder first = its; // of equals the newcomer's
    for (Holder other : holders.values()) {
      first = other.hasMoreThan(first) ? other : first;
    }
    Parked newest = first.parked.lastEntry().getValue();
    leave(newest);
    return newest;
  }

  /** Gives the place of a request back, if it has one. */
  synchronized void leave(Parked request) {
    String name = nameOf(request);
    Holder its = holders.get(name);
    if (its != null && its.parked.remove(request.arrival) != null) {
      taken--;
      if (its.parked.isEmpty()) {
        holders.remove(name);
      }
    }
  }

  private static String nameOf(Parked request) {
    Share share = request.demand.share();
    return share == null ? "" : share.line();
  }

  synchronized int taken() {
    return taken;
  }
}
