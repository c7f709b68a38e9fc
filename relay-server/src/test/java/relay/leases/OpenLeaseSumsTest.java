package relay.leases;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import relay.redis.model.Lasting;

/** What one replica knows of clients' open leases, while others grant and end some too. */
class OpenLeaseSumsTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long MOST = Lasting.MOST_OPEN;

  private final Map<String, Long> open = new HashMap<>(); // in Redis
  private final List<List<String>> read = new ArrayList<>();
  private final List<Runnable> answers = new ArrayList<>(); // of readings that Redis holds back
  private boolean isSlow;
  private boolean isAway;
  private long nanos;
  private final OpenLeaseSums sums = new OpenLeaseSums(() -> nanos);

  private CompletableFuture<List<Long>> redis(List<String> owners) {
    read.add(owners);
    if (isAway) {
      return CompletableFuture.failedFuture(new IllegalStateException("away"));
    }
    List<Long> counts = owners.stream().map(owner -> open.getOrDefault(owner, 0L)).toList();
    CompletableFuture<List<Long>> answer = new CompletableFuture<>();
    Runnable arrives = () -> answer.complete(counts);
    if (isSlow) {
      answers.add(arrives);
    } else {
      arrives.run();
    }
    return answer;
  }

  private boolean acquires(String owner) {
    boolean may = sums.begin(owner, this::redis);
    if (may) {
      open.merge(owner, 1L, Long::sum);
      sums.asked(owner, true);
    }
    return may;
  }

  private void ends(String owner) {
    open.merge(owner, -1L, Long::sum);
    sums.ended(owner);
  }

  @Test
  void the_last_one_is_granted_and_no_further_until_one_ends() {
    open.put("a", MOST - 2);
    assertTrue(acquires("a"));
    assertTrue(acquires("a"));
    assertFalse(acquires("a"));
    assertTrue(acquires("b"), "another client");
    ends("a");
    assertTrue(acquires("a"));
    assertFalse(acquires("a"));
    assertEquals(MOST, open.get("a"));
  }

  @Test
  void what_is_under_way_counts_and_what_was_refused_does_not() {
    open.put("a", MOST - 1);
    assertTrue(sums.begin("a", this::redis));
    assertFalse(sums.begin("a", this::redis));
    nanos += SECOND;
    assertFalse(sums.begin("a", this::redis), "a reading does not know what is under way");
    sums.asked("a", false);
    assertTrue(sums.begin("a", this::redis));
  }

  @Test
  void what_others_grant_and_end_comes_with_the_next_reading() {
    open.put("a", MOST - 1);
    assertTrue(acquires("a"));
    open.put("a", 3L); // ended elsewhere
    assertFalse(acquires("a"));
    nanos += SECOND;
    assertTrue(acquires("a"));
    open.put("a", MOST); // granted elsewhere
    assertTrue(acquires("a"), "not known yet");
    nanos += SECOND;
    assertFalse(acquires("a"));
  }

  @Test
  void all_pools_are_read_once_a_second_whoever_acquires() {
    for (int n = 0; n < 100; n++) {
      acquires("a");
      acquires("b");
    }
    assertEquals(List.of(List.of("a")), read);
    nanos += SECOND;
    acquires("b");
    acquires("a");
    assertEquals(2, read.size());
    assertEquals(2, read.getLast().size());
    open.put("a", 0L);
    nanos += SECOND;
    acquires("b");
    nanos += SECOND;
    acquires("b");
    assertEquals(List.of("b"), read.getLast(), "the other one has none");
  }

  @Test
  void an_acquire_does_not_wait_for_a_reading_unless_its_client_seems_to_have_too_many() {
    isSlow = true;
    assertTrue(acquires("a"));
    nanos += SECOND;
    assertTrue(acquires("a"));
    assertEquals(1, read.size(), "one reading at once");
    answers.removeFirst().run();
    open.put("a", MOST);
    assertTrue(acquires("a"), "the second reading is under way");
    answers.removeFirst().run();
    assertFalse(acquires("a"));
  }

  @Test
  void grants_while_a_reading_is_under_way_count_in_any_case() {
    open.put("a", MOST - 3);
    isSlow = true;
    assertTrue(acquires("a"));
    ends("a");
    assertTrue(acquires("a"));
    assertTrue(acquires("a"));
    answers.removeFirst().run();
    assertTrue(acquires("a"));
    assertFalse(acquires("a"));
    assertEquals(MOST, open.get("a"));
  }

  @Test
  void without_redis_the_last_reading_holds() {
    open.put("a", MOST - 1);
    assertTrue(acquires("a"));
    isAway = true;
    open.put("a", 0L);
    nanos += SECOND;
    assertFalse(acquires("a"));
    isAway = false;
    nanos += SECOND;
    assertTrue(acquires("a"));
  }

  @Test
  void many_clients_are_read_in_several_calls() {
    for (int n = 0; n < 2_500; n++) {
      acquires("c" + n);
    }
    read.clear();
    nanos += SECOND;
    acquires("c0");
    assertEquals(List.of(1_000, 1_000, 500), read.stream().map(List::size).toList());
  }
}
