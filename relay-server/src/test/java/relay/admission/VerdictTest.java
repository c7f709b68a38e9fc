package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import relay.admission.LeaseSearch.Outcome;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.model.RelayError;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Acquisition.Unavailable;
import relay.upstream.KnownReply;

/** The client's error, by the results of all attempts. */
class VerdictTest {
  private static final Failure.ProviderFailed FAILED =
      new Failure.ProviderFailed(new KnownReply(500, new HeaderLines(), new byte[0]), "p", "k");

  private static Exhausted exhausted(int seconds) {
    return new Exhausted(Duration.ofSeconds(seconds), Reason.REQUESTS);
  }

  private static Verdict of(Consumer<Verdict> story) {
    Verdict verdict = new Verdict();
    story.accept(verdict);
    return verdict;
  }

  private static RelayError own(Consumer<Verdict> story) {
    return assertInstanceOf(Outcome.NoCapacity.class, of(story).outcome(Dialect.ANTHROPIC)).error();
  }

  @Test
  void the_last_error_of_a_provider_wins_over_all_other_results() {
    Failure.ProviderFailed last =
        new Failure.ProviderFailed(new KnownReply(529, new HeaderLines(), new byte[0]), "p", "k");
    Verdict verdict =
        of(
            v -> {
              v.attemptFailed(FAILED);
              v.attemptFailed(last);
              v.attemptFailed(new Failure.RateLimited());
              v.poolRefused(exhausted(5));
              v.breakerOpen(Duration.ofSeconds(1));
            });
    assertSame(
        last, assertInstanceOf(Outcome.Failed.class, verdict.outcome(Dialect.OPENAI)).answer());
  }

  @Test
  void without_any_answer_of_a_provider_it_is_a_bad_gateway() {
    RelayError error =
        own(
            v -> {
              v.attemptFailed(new Failure.Unreachable(true, false, false, "a is down"));
              v.poolRefused(exhausted(5));
            });
    assertEquals(502, error.status());
    assertEquals("a is down", error.message());
  }

  @Test
  void a_replica_that_lacks_resources_is_overloaded() {
    RelayError error =
        own(
            v -> {
              v.attemptFailed(new Failure.Unreachable(false, false, false, "a is down"));
              v.attemptFailed(new Failure.Unreachable(false, true, false, "no descriptors"));
              v.poolRefused(exhausted(5));
            });
    assertEquals(529, error.status());
    assertEquals("no descriptors", error.message());
    assertEquals(Duration.ofSeconds(1), error.retryAfter());
  }

  @Test
  void when_all_are_at_their_limits_the_earliest_retry_time_is_sent() {
    RelayError error =
        own(
            v -> {
              v.attemptFailed(new Failure.RateLimited());
              v.poolRefused(exhausted(9));
              v.poolRefused(exhausted(4));
              v.poolRefused(exhausted(7));
              v.breakerOpen(Duration.ofSeconds(30));
              v.poolRefused(new NoneUsable());
              v.poolRefused(new Impossible(Reason.REQUESTS, 5));
            });
    assertEquals(429, error.status());
    assertEquals(Duration.ofSeconds(4), error.retryAfter());
    RelayError sooner =
        own(
            v -> {
              v.poolRefused(exhausted(9));
              v.breakerOpen(Duration.ofSeconds(2));
            });
    assertEquals(429, sooner.status());
    assertEquals(Duration.ofSeconds(2), sooner.retryAfter());
  }

  @Test
  void after_the_last_allowed_attempt_a_free_key_means_a_retry_at_once() {
    RelayError error =
        own(
            v -> {
              v.attemptFailed(new Failure.RateLimited());
              v.keyIsFree();
            });
    assertEquals(429, error.status());
    assertEquals(Duration.ofMillis(1), error.retryAfter());
  }

  @Test
  void refused_keys_give_503_unless_another_key_has_a_retry_time() {
    assertEquals(503, own(v -> v.attemptFailed(new Failure.KeyRefused())).status());
    assertEquals("api_error", own(v -> v.poolRefused(new NoneUsable())).type());
    RelayError later =
        own(
            v -> {
              v.attemptFailed(new Failure.KeyRefused());
              v.poolRefused(exhausted(3));
            });
    assertEquals(429, later.status());
  }

  @Test
  void open_breakers_alone_give_overloaded_until_the_first_one_closes() {
    Verdict verdict =
        of(
            v -> {
              v.breakerOpen(Duration.ofSeconds(8));
              v.breakerOpen(Duration.ofSeconds(3));
            });
    for (Dialect dialect : Dialect.values()) {
      RelayError error =
          assertInstanceOf(Outcome.NoCapacity.class, verdict.outcome(dialect)).error();
      assertEquals(dialect == Dialect.ANTHROPIC ? 529 : 503, error.status());
      assertEquals("overloaded_error", error.type());
      assertEquals(Duration.ofSeconds(3), error.retryAfter());
    }
  }

  @Test
  void a_request_too_large_for_all_limits_is_invalid_and_names_the_largest() {
    RelayError error =
        own(
            v -> {
              v.poolRefused(new Impossible(Reason.INPUT_TOKENS, 100));
              v.poolRefused(new Impossible(Reason.INPUT_TOKENS, 900));
            });
    assertEquals(400, error.status());
    assertEquals(true, error.message().contains("limit of 900"));
    RelayError other =
        own(
            v -> {
              v.poolRefused(new Impossible(Reason.INPUT_TOKENS, 100));
              v.poolRefused(new NoneUsable());
            });
    assertEquals(503, other.status(), "a key that is out of use might have carried it");
  }

  @Test
  void without_redis_it_is_unavailable() {
    assertEquals(503, own(v -> v.poolRefused(new Unavailable())).status());
  }
}
