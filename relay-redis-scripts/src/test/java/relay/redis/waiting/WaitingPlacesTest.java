package relay.redis.waiting;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.KeyRequest;
import relay.redis.model.Share;

/** Who loses its place in a full waiting room. Each request is told five seconds. */
final class WaitingPlacesTest {
  private static final int ALL = WaitingRoom.MAX_WAITING;
  private static final Share BATCH = new Share("jobs", 3, 1, 0, 0);

  private long now = Long.MAX_VALUE - 1_000; // the clock's origin is arbitrary, and it may overflow
  private final WaitingRoom room =
      new WaitingRoom(
          demand -> CompletableFuture.completedFuture(in(5_000)),
          (nanos, callback) -> () -> {},
          () -> now);

  private static Exhausted in(long millis) {
    return new Exhausted(Duration.ofMillis(millis), Reason.REQUESTS);
  }

  private List<KeyRequest> arrive(int requests, Share share) {
    return IntStream.range(0, requests)
        .mapToObj(n -> Demand.of("model", n, 0).sharing(share))
        .map(demand -> room.acquire(demand, Duration.ofSeconds(10)))
        .toList();
  }

  private static long parked(List<KeyRequest> requests) {
    return requests.stream().filter(request -> !request.isDone()).count();
  }

  @Test
  void a_higher_priority_takes_the_newest_places_of_a_lower_one() {
    List<KeyRequest> jobs = arrive(ALL, BATCH);
    now += 900_000_000L;
    assertEquals(2, parked(arrive(2, new Share("people", 1, 1, 0, 0))));
    assertEquals(ALL, room.waiting());
    assertEquals(ALL - 2, parked(jobs));
    assertEquals(in(4_100), jobs.getLast().join());
    KeyRequest refused = arrive(1, BATCH).getFirst();
    assertEquals(in(5_000), refused.join());
  }

  @Test
  void clients_of_one_priority_divide_the_places_by_weight() {
    List<KeyRequest> first = arrive(ALL, new Share("team", 2, 1, 0, 0));
    List<KeyRequest> second = arrive(ALL, new Share("large", 2, 3, 0, 0));
    assertEquals(List.of(250L, 750L), List.of(parked(first), parked(second)));
    assertEquals(250, parked(first.subList(0, 250)), "the oldest");
    assertEquals(ALL, room.waiting());
  }

  @Test
  void a_place_that_is_given_back_is_free_for_anybody() {
    List<KeyRequest> jobs = arrive(ALL, BATCH);
    jobs.getFirst().cancel(false);
    jobs.getLast().cancel(false);
    assertEquals(ALL - 2, room.waiting());
    assertEquals(2, parked(arrive(2, BATCH)));
    assertEquals(0, parked(arrive(1, BATCH)));
  }
}
