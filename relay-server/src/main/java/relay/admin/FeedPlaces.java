package relay.admin;

import java.net.InetAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The places of open dashboards. One address may not have them all. Thread-safe. */
final class FeedPlaces {
  static final int MOST = 32;
  static final int MOST_OF_ONE = 16;

  private final AtomicInteger all = new AtomicInteger();
  private final Map<InetAddress, Integer> ofOne = new ConcurrentHashMap<>();

  /** Takes a place. Null if there is none. */
  @Nullable Place take(InetAddress viewer) {
    int others = ofOne.merge(viewer, 1, Integer::sum) - 1;
    Place place = new Place(viewer);
    if (all.incrementAndGet() > MOST || others >= MOST_OF_ONE) {
      place.give();
      return null;
    }
    return place;
  }

  /** A taken place. */
  final class Place {
    private final AtomicBoolean taken = new AtomicBoolean(true);
    private final InetAddress viewer;

    private Place(InetAddress viewer) {
      this.viewer = viewer;
    }

    /** Returns it. Only the first time counts. */
    void give() {
      if (taken.getAndSet(false)) {
        all.getAndDecrement();
        ofOne.computeIfPresent(viewer, (_, n) -> n == 1 ? null : n - 1);
      }
    }
  }
}
