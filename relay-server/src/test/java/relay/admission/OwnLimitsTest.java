package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Allowance;
import relay.redis.model.Limits;

class OwnLimitsTest {
  private static final Instant NOW = Instant.parse("2026-11-30T23:59:00.5Z");
  private static final long SAID = 5_000_000_000L;
  private static final Allowance.Left NONE = new Allowance.Left(0, Duration.ZERO);

  private static List<String> lines(
      Dialect dialect, Limits limits, @Nullable Allowance said, @Nullable Reason denied, long now) {
    HeaderLines lines = new HeaderLines();
    new OwnLimits.Lines(lines, limits, said, denied, NOW, now).add(dialect);
    List<String> all = new ArrayList<>();
    lines.forEach((name, value) -> all.add(name + ": " + value));
    return all;
  }

  private static Allowance.Left left(long left, long millis) {
    return new Allowance.Left(left, Duration.ofMillis(millis));
  }

  private static final Allowance SOME =
      new Allowance(left(7, 60_100), left(300, 2_000), NONE, NONE, SAID);
  private static final Limits LIMITS = new Limits(20, 1_000, 0, 0);

  @Test
  void anthropic_gets_each_limit_that_the_client_has() {
    assertEquals(
        List.of(
            "anthropic-ratelimit-requests-limit: 20",
            "anthropic-ratelimit-requests-remaining: 7",
            "anthropic-ratelimit-requests-reset: 2026-12-01T00:00:01Z",
            "anthropic-ratelimit-input-tokens-limit: 1000",
            "anthropic-ratelimit-input-tokens-remaining: 300",
            "anthropic-ratelimit-input-tokens-reset: 2026-11-30T23:59:03Z"),
        lines(Dialect.ANTHROPIC, LIMITS, SOME, null, SAID));
  }

  @Test
  void openai_gets_requests_and_the_fuller_limit_of_tokens() {
    assertEquals(
        List.of(
            "x-ratelimit-limit-requests: 20",
            "x-ratelimit-remaining-requests: 7",
            "x-ratelimit-reset-requests: 1m0.1s",
            "x-ratelimit-limit-tokens: 1000",
            "x-ratelimit-remaining-tokens: 300",
            "x-ratelimit-reset-tokens: 2s"),
        lines(Dialect.OPENAI, LIMITS, SOME, null, SAID));
    Allowance both = new Allowance(NONE, left(900, 10), left(10, 20), NONE, SAID);
    assertEquals(
        List.of(
            "x-ratelimit-limit-tokens: 100",
            "x-ratelimit-remaining-tokens: 10",
            "x-ratelimit-reset-tokens: 20ms"),
        lines(Dialect.OPENAI, new Limits(0, 1_000, 100, 0), both, null, SAID));
  }

  @Test
  void nothing_is_left_of_the_limit_that_refuses() {
    assertEquals(
        "anthropic-ratelimit-input-tokens-remaining: 0",
        lines(Dialect.ANTHROPIC, LIMITS, SOME, Reason.INPUT_TOKENS, SAID).get(4));
    assertEquals(
        "anthropic-ratelimit-requests-remaining: 7",
        lines(Dialect.ANTHROPIC, LIMITS, SOME, Reason.INPUT_TOKENS, SAID).get(1));
  }

  @Test
  void what_was_said_holds_until_the_time_of_its_reset() {
    long later = SAID + 2_000_000_000L;
    List<String> lines = lines(Dialect.OPENAI, LIMITS, SOME, null, later);
    assertEquals("x-ratelimit-remaining-requests: 7", lines.get(1));
    assertEquals("x-ratelimit-reset-requests: 58.1s", lines.get(2));
    assertEquals("x-ratelimit-remaining-tokens: 1000", lines.get(4));
    assertEquals("x-ratelimit-reset-tokens: 0s", lines.get(5));
  }

  @Test
  void a_client_that_has_sent_nothing_may_send_half_of_its_requests_at_once() {
    List<String> lines = lines(Dialect.OPENAI, LIMITS, null, null, SAID);
    assertEquals("x-ratelimit-remaining-requests: 10", lines.get(1));
    assertEquals("x-ratelimit-remaining-tokens: 1000", lines.get(4));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0s",
    "1, 1ms",
    "999, 999ms",
    "1000, 1s",
    "1500, 1.500s",
    "60000, 1m0s",
    "360000, 6m0s",
    "977764, 16m17.764s",
    "3600000, 1h0m0s"
  })
  void a_duration_reads_as_that_api_writes_it(long millis, String text) {
    String trimmed = text.replace(".500", ".5");
    assertEquals(trimmed, OwnLimits.Lines.openai(Duration.ofMillis(millis)));
  }
}
