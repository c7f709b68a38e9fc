package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class OwnProbesTest {
  private final List<Long> asked = new ArrayList<>(); // in seconds
  private final List<Runnable> tasks = new ArrayList<>();
  private boolean refuses;
  private long seconds;

  private final OwnProbes probes =
      new OwnProbes(
          key -> {
            asked.add(seconds);
            return refuses;
          },
          tasks::add,
          () -> Duration.ofSeconds(seconds).toNanos());

  private CompletableFuture<Boolean> ask(Object credential) {
    CompletableFuture<Boolean> answer = probes.refused("k", credential);
    tasks.forEach(Runnable::run);
    tasks.clear();
    return answer;
  }

  @Test
  void a_key_is_asked_at_once_and_then_ever_more_seldom() {
    for (seconds = 0; seconds < 2_000; seconds++) {
      assertFalse(ask("a").join());
    }
    assertEquals(List.of(0L, 10L, 30L, 70L, 150L, 310L, 610L, 910L, 1_210L, 1_510L, 1_810L), asked);
  }

  @Test
  void another_credential_is_asked_at_once() {
    assertFalse(ask("a").join());
    refuses = true;
    assertFalse(ask("a").join(), "as the last probe showed");
    assertTrue(ask("b").join());
    assertEquals(2, asked.size());
  }

  @Test
  void requests_at_once_share_a_probe() {
    CompletableFuture<Boolean> first = probes.refused("k", "a");
    seconds += 60;
    assertSame(first, probes.refused("k", "a"));
    assertEquals(1, tasks.size());
  }

  @Test
  void after_the_end_of_the_replica_nothing_is_refused() {
    OwnProbes ended =
        new OwnProbes(
            key -> true,
            task -> {
              throw new RejectedExecutionException("closed");
            },
            () -> 0);
    assertFalse(ended.refused("k", "a").join());
  }
}
