package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import relay.admission.RetryPolicy.Decision;
import relay.model.HeaderLines;
import relay.upstream.KnownReply;

class RetryPolicyTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  private final RetryPolicy policy = new RetryPolicy(8, new SplittableRandom(1));

  private static Failure failed(int status) {
    return new Failure.ProviderFailed(
        new KnownReply(status, new HeaderLines(), new byte[0]), "p", "k");
  }

  private long pauseMs(Failure failure, int attempts) {
    return assertInstanceOf(Decision.Again.class, policy.after(failure, attempts, LONG))
        .pause()
        .toMillis();
  }

  @Test
  void another_key_is_tried_at_once() {
    for (Failure failure : List.of(new Failure.RateLimited(), new Failure.KeyRefused())) {
      for (int attempts = 1; attempts < 8; attempts++) {
        assertEquals(0, pauseMs(failure, attempts));
      }
    }
    assertEquals(0, pauseMs(failed(500), 1));
    assertEquals(0, pauseMs(new Failure.Unreachable(true, false, false, "why"), 1));
  }

  @Test
  void without_resources_there_is_no_retry_here() {
    Decision decision = policy.after(new Failure.Unreachable(false, true, false, "why"), 1, LONG);
    assertInstanceOf(Decision.Enough.class, decision);
  }

  @Test
  void the_pause_for_an_overloaded_provider_doubles_with_jitter_up_to_two_seconds() {
    long bound = 100;
    for (int attempts = 1; attempts < 8; attempts++, bound = Math.min(2000, 2 * bound)) {
      long least = Long.MAX_VALUE;
      long most = 0;
      for (int n = 0; n < 500; n++) {
        long pause = pauseMs(failed(529), attempts);
        least = Math.min(least, pause);
        most = Math.max(most, pause);
      }
      assertTrue(least >= bound / 2 && most <= bound, least + " to " + most + " of " + bound);
      assertTrue(most - least > bound / 4, "no jitter");
    }
    assertTrue(pauseMs(failed(503), 1) >= 50);
    assertTrue(pauseMs(failed(500), 2) >= 50, "a second failure is the provider's");
    assertTrue(pauseMs(new Failure.Unreachable(true, false, false, "why"), 2) >= 50);
  }

  @Test
  void attempts_are_bounded() {
    assertInstanceOf(Decision.Enough.class, policy.after(new Failure.RateLimited(), 8, LONG));
    RetryPolicy once = new RetryPolicy(1, new SplittableRandom(1));
    assertInstanceOf(Decision.Enough.class, once.after(failed(500), 1, LONG));
  }

  @Test
  void what_lasts_is_not_tried_again() {
    Failure certificate = new Failure.Unreachable(false, false, true, "why");
    assertInstanceOf(Decision.Enough.class, policy.after(certificate, 1, LONG));
  }

  @Test
  void nothing_begins_after_the_deadline() {
    assertInstanceOf(
        Decision.TooLate.class, policy.after(new Failure.RateLimited(), 1, Duration.ZERO));
    assertInstanceOf(
        Decision.Enough.class,
        policy.after(failed(529), 1, Duration.ofMillis(20)),
        "the pause would outlast the client's patience");
  }
}
