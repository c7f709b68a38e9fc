package relay.redis.waiting;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.KeyRequest;
import relay.redis.model.Share;

/** The waiting room under a manual clock. */
final class WaitingRoomTest {
  /** Stands for a grant: an answer that ends the waiting without a pool. */
  private static final Acquisition SERVED = new NoneUsable();

  private static final Duration WAIT = Duration.ofSeconds(10);

  private final ManualAlarms clock = new ManualAlarms();
  private final List<Long> asked = new ArrayList<>(); // input tokens tell the demands apart
  private final Deque<Acquisition> replies = new ArrayDeque<>();
  private Function<Demand, CompletableFuture<Acquisition>> redis =
      demand -> CompletableFuture.completedFuture(replies.removeFirst());
  private final WaitingRoom room = new WaitingRoom(this::ask, clock::alarm, clock::now);

  private CompletableFuture<Acquisition> ask(Demand demand) {
    asked.add(demand.inputTokens());
    return redis.apply(demand);
  }

  private void pass(Duration time) {
    clock.pass(time);
  }

  private static Acquisition told(CompletableFuture<Acquisition> answer) {
    assertTrue(answer.isDone());
    return answer.join();
  }

  private static Demand demand(long inputTokens) {
    return Demand.of("model", inputTokens, 0);
  }

  private static Exhausted in(long millis) {
    return new Exhausted(Duration.ofMillis(millis), Reason.REQUESTS);
  }

  private static final Exhausted BUSY = new Exhausted(Duration.ofSeconds(1), Reason.CONCURRENCY);

  private CompletableFuture<Acquisition> arrive(long inputTokens, Acquisition... replied) {
    replies.addAll(List.of(replied));
    return room.acquire(demand(inputTokens), WAIT);
  }

  @Test
  void while_none_is_parked_requests_call_redis_at_once() {
    assertEquals(SERVED, told(arrive(1, SERVED)));
    assertEquals(SERVED, told(arrive(2, SERVED)));
    assertEquals(0, room.waiting());
    assertTrue(clock.isSilent());
  }

  @Test
  void a_request_is_parked_until_capacity_returns() {
    CompletableFuture<Acquisition> answer = arrive(1, in(700));
    assertEquals(1, room.waiting());
    pass(Duration.ofMillis(700).minusNanos(1));
    assertEquals(1, asked.size());
    replies.add(SERVED);
    pass(Duration.ofNanos(1));
    assertEquals(SERVED, told(answer));
    assertEquals(0, room.waiting());
  }

  @Test
  void what_a_parked_request_would_be_told_is_known_at_once() {
    replies.add(in(700));
    KeyRequest first = room.acquire(demand(1), WAIT);
    KeyRequest second = room.acquire(demand(2), WAIT);
    assertEquals(List.of(in(700), in(700)), List.of(told(first.first()), told(second.first())));
    assertFalse(first.isDone() || second.isDone());
    replies.add(in(10_001));
    KeyRequest refused = room.acquire(Demand.of("other", 3, 0), WAIT);
    assertEquals(in(10_001), told(refused.first()));
    assertTrue(refused.isDone());
    second.cancel(false);
    first.cancel(false);
    assertEquals(0, room.waiting());
  }

  @Test
  void a_wait_beyond_the_maximum_is_refused_at_once() {
    assertEquals(in(10_001), told(arrive(1, in(10_001))));
    assertEquals(0, room.waiting());
    assertFalse(arrive(2, in(10_000)).isDone());
  }

  @Test
  void a_zero_maximum_wait_calls_redis_once_without_queueing() {
    CompletableFuture<Acquisition> first = arrive(1, in(700));
    replies.add(SERVED);
    assertEquals(SERVED, told(room.acquire(demand(2), Duration.ZERO)));
    assertFalse(first.isDone());
  }

  @Test
  void parked_requests_are_served_in_order_of_arrival() {
    CompletableFuture<Acquisition> one = arrive(1, in(500));
    CompletableFuture<Acquisition> two = arrive(2);
    CompletableFuture<Acquisition> three = arrive(3);
    assertEquals(List.of(1L), asked);
    replies.addAll(List.of(SERVED, SERVED, in(200)));
    pass(Duration.ofMillis(500));
    assertTrue(one.isDone() && two.isDone() && !three.isDone());
    assertEquals(List.of(1L, 1L, 2L, 3L), asked);
    replies.add(SERVED);
    pass(Duration.ofMillis(200));
    assertTrue(three.isDone());
  }

  @Test
  void a_newcomer_does_not_overtake_a_large_request() {
    CompletableFuture<Acquisition> large = arrive(1_000, in(9_000));
    List<CompletableFuture<Acquisition>> small = new ArrayList<>();
    for (int second = 1; second <= 8; second++) {
      small.add(arrive(1));
      replies.add(in(9_000 - second * 1_000));
      pass(Duration.ofSeconds(1));
    }
    assertEquals(9, asked.stream().filter(tokens -> tokens == 1_000).count());
    assertEquals(9, asked.size());
    for (int n = 0; n < 9; n++) {
      replies.add(SERVED);
    }
    pass(Duration.ofSeconds(1));
    assertTrue(large.isDone() && small.stream().allMatch(CompletableFuture::isDone));
    assertEquals(1_000L, asked.get(9));
  }

  @Test
  void an_earlier_arrival_denied_later_queues_before_the_others() {
    List<CompletableFuture<Acquisition>> pending = new ArrayList<>();
    redis =
        demand -> {
          pending.add(new CompletableFuture<>());
          return pending.getLast();
        };
    CompletableFuture<Acquisition> one = arrive(1);
    CompletableFuture<Acquisition> two = arrive(2);
    pending.get(1).complete(in(300));
    pending.get(0).complete(in(300));
    pass(Duration.ofMillis(300));
    assertEquals(List.of(1L, 2L, 1L), asked);
    pending.get(2).complete(SERVED);
    assertEquals(List.of(1L, 2L, 1L, 2L), asked);
    pending.get(3).complete(SERVED);
    assertTrue(one.isDone() && two.isDone());
  }

  @Test
  void model_classes_do_not_wait_for_each_other() {
    var _ = arrive(1, in(500));
    replies.add(SERVED);
    assertTrue(room.acquire(Demand.of("other", 2, 0), WAIT).isDone());
  }

  @Test
  void requests_that_cannot_wait_for_the_first_ones_grant_are_refused() {
    CompletableFuture<Acquisition> first = arrive(1, in(5_000));
    replies.clear();
    CompletableFuture<Acquisition> hasty = room.acquire(demand(2), Duration.ofMillis(4_999));
    assertEquals(in(5_000), told(hasty));
    CompletableFuture<Acquisition> second = room.acquire(demand(3), Duration.ofMillis(5_500));
    assertFalse(second.isDone());
    replies.addAll(List.of(in(4_000), in(4_700))); // others took its capacity
    pass(Duration.ofSeconds(2));
    assertEquals(in(4_700), told(second));
    assertFalse(first.isDone());
    assertEquals(1, room.waiting());
  }

  @Test
  void at_its_deadline_the_first_request_calls_redis_once_more() {
    CompletableFuture<Acquisition> first = arrive(1, BUSY);
    for (int n = 0; n < 9; n++) {
      replies.add(BUSY);
    }
    pass(Duration.ofMillis(9_999));
    assertFalse(first.isDone());
    replies.add(in(123));
    pass(Duration.ofMillis(1));
    assertEquals(in(123), told(first));
    assertEquals(0, room.waiting());
  }

  @Test
  void without_a_known_time_later_requests_leave_at_their_deadline() {
    var _ = arrive(1, BUSY);
    CompletableFuture<Acquisition> second = room.acquire(demand(2), Duration.ofMillis(100));
    replies.add(BUSY);
    pass(Duration.ofMillis(100));
    assertEquals(BUSY, told(second));
    assertEquals(1, room.waiting());
  }

  @Test
  void a_cancelled_request_makes_room_for_the_next() {
    CompletableFuture<Acquisition> one = arrive(1, in(5_000));
    CompletableFuture<Acquisition> two = arrive(2);
    CompletableFuture<Acquisition> three = arrive(3);
    two.cancel(false);
    assertEquals(2, room.waiting());
    replies.add(SERVED);
    one.cancel(false);
    assertTrue(three.isDone());
    assertEquals(List.of(1L, 3L), asked);
    assertEquals(0, room.waiting());
  }

  @Test
  void a_request_cancelled_during_its_call_does_not_delay_the_next() {
    CompletableFuture<Acquisition> one = arrive(1, in(500));
    CompletableFuture<Acquisition> two = arrive(2);
    CompletableFuture<Acquisition> pending = new CompletableFuture<>();
    redis = demand -> pending;
    pass(Duration.ofMillis(500));
    one.cancel(false);
    redis = demand -> CompletableFuture.completedFuture(SERVED);
    assertFalse(two.isDone());
    pending.complete(in(3_000));
    assertTrue(two.isDone());
    assertEquals(List.of(1L, 1L, 2L), asked);
  }

  @Test
  void when_a_lease_ends_the_first_calls_redis_soon() {
    CompletableFuture<Acquisition> first = arrive(1, in(900));
    room.capacityReturned();
    room.capacityReturned();
    replies.add(SERVED);
    pass(Duration.ofMillis(20));
    assertTrue(first.isDone());
    assertEquals(2, asked.size());
  }

  @Test
  void a_lease_end_during_the_first_ones_call_is_not_missed() {
    CompletableFuture<Acquisition> first = arrive(1, in(500));
    CompletableFuture<Acquisition> pending = new CompletableFuture<>();
    redis = demand -> pending;
    pass(Duration.ofMillis(500));
    room.capacityReturned();
    redis = demand -> CompletableFuture.completedFuture(SERVED);
    pending.complete(in(900));
    pass(Duration.ofMillis(20));
    assertTrue(first.isDone());
  }

  @Test
  void capacity_returned_by_others_is_found_within_a_second() {
    CompletableFuture<Acquisition> first = arrive(1, in(9_000));
    replies.add(SERVED);
    pass(Duration.ofSeconds(1));
    assertTrue(first.isDone());
  }

  @Test
  void parked_requests_are_bounded() {
    for (int n = 0; n < WaitingRoom.MAX_WAITING; n++) {
      var _ = arrive(n, n == 0 ? new Acquisition[] {in(5_000)} : new Acquisition[0]);
    }
    assertEquals(WaitingRoom.MAX_WAITING, room.waiting());
    assertEquals(in(5_000), told(arrive(1)));
    replies.add(in(7));
    assertEquals(in(7), told(room.acquire(Demand.of("other", 1, 0), WAIT)));
  }

  @Test
  void a_long_line_is_served_without_deep_recursion() {
    List<CompletableFuture<Acquisition>> all = new ArrayList<>();
    for (int n = 0; n < WaitingRoom.MAX_WAITING; n++) {
      all.add(arrive(n, n == 0 ? new Acquisition[] {in(500)} : new Acquisition[0]));
    }
    redis = demand -> CompletableFuture.completedFuture(SERVED);
    pass(Duration.ofMillis(500));
    assertTrue(all.stream().allMatch(CompletableFuture::isDone));
    assertEquals(0, room.waiting());
  }

  @Test
  void an_impossible_request_is_refused_in_its_turn() {
    var _ = arrive(1, in(500));
    CompletableFuture<Acquisition> large = arrive(2);
    replies.addAll(List.of(SERVED, new Impossible(Acquisition.Reason.REQUESTS, 1)));
    pass(Duration.ofMillis(500));
    assertInstanceOf(Impossible.class, told(large));
  }

  @Test
  void closing_the_engine_answers_all_parked_requests() {
    CompletableFuture<Acquisition> first = arrive(1, in(500));
    CompletableFuture<Acquisition> second = arrive(2);
    room.close();
    assertEquals(new Unavailable(), told(first));
    assertEquals(new Unavailable(), told(second));
    assertEquals(in(100), told(arrive(3, in(100))));
    assertEquals(0, room.waiting());
  }

  /** The order of all replicas knows a place of a client with a share by its ticket. */
  @Test
  void a_request_that_goes_leaves_its_place_to_others() {
    List<String> tickets = new ArrayList<>();
    redis =
        demand -> {
          Share share = Objects.requireNonNull(demand.share());
          tickets.add(share.ticket());
          return CompletableFuture.completedFuture(in(1_000L * tickets.size()));
        };
    List<CompletableFuture<Acquisition>> all = new ArrayList<>();
    for (int n = 0; n < 3; n++) {
      all.add(room.acquire(demand(n).sharing(new Share("team", 2, 1, 0, 0)), WAIT));
    }
    List<String> places = List.copyOf(tickets);
    assertEquals(3, Set.copyOf(places).size());
    all.get(1).cancel(false);
    all.get(0).cancel(false); // then the third asks, who is first now
    assertEquals(places.getFirst(), tickets.getLast());
    for (int n = 2; n > 0; n--) { // newcomers
      var _ = room.acquire(demand(n).sharing(new Share("team", 2, 1, 0, 0)), WAIT);
      assertEquals(places.get(n), tickets.getLast());
    }
    var _ = room.acquire(demand(1).sharing(new Share("team", 2, 1, 0, 0)), WAIT);
    assertFalse(places.contains(tickets.getLast()));
  }

  /** Redis has promised it a place, which would be kept for nobody. */
  @Test
  void a_request_that_finds_the_room_full_leaves_its_place_to_the_next() {
    var _ = arrive(0, in(500));
    for (int n = 1; n < WaitingRoom.MAX_WAITING; n++) {
      var _ = arrive(n);
    }
    List<String> tickets = new ArrayList<>();
    redis =
        demand -> {
          tickets.add(Objects.requireNonNull(demand.share()).ticket());
          return CompletableFuture.completedFuture(in(1_000));
        };
    for (int n = 0; n < 2; n++) {
      Demand shared = demand(n).sharing(new Share("team", 3, 1, 0, 0));
      assertEquals(in(1_000), told(room.acquire(shared, WAIT)));
    }
    assertEquals(tickets.getFirst(), tickets.getLast());
  }
}
