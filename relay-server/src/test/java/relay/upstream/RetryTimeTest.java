package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetryTimeTest {
  private static final Instant NOW = Instant.parse("2026-11-25T16:00:00Z");

  private static Duration of(String... namesAndValues) {
    Map<String, String> headers = new HashMap<>();
    for (int n = 0; n < namesAndValues.length; n += 2) {
      headers.put(namesAndValues[n], namesAndValues[n + 1]);
    }
    return RetryTime.of(headers::get, NOW);
  }

  @ParameterizedTest
  @CsvSource({
    "6m0s, 360000",
    "1s, 1000",
    "20ms, 20",
    "16m17.764s, 977764",
    "1h2m3s, 3723000",
    "0s, 0",
    "1m30s, 90000",
    "2m, 120000"
  })
  void openai_durations_are_read(String text, long ms) {
    assertEquals(Duration.ofMillis(ms), RetryTime.span(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1s", "1", "s", "1s1m", "1e9s", "NaN", " 1s", "999999999999999999s"})
  void malformed_durations_are_ignored(String text) {
    assertNull(RetryTime.span(text));
  }

  @Test
  void retry_after_takes_precedence_over_resets() {
    assertEquals(
        Duration.ofSeconds(7),
        of(
            "retry-after", "7",
            "anthropic-ratelimit-requests-remaining", "0",
            "anthropic-ratelimit-requests-reset", "2026-11-25T16:00:50Z"));
    assertEquals(Duration.ofMillis(1500), of("retry-after-ms", "1500", "retry-after", "2"));
    assertEquals(Duration.ofSeconds(9), of("retry-after", "Wed, 25 Nov 2026 16:00:09 GMT"));
  }

  @Test
  void otherwise_the_latest_reset_of_the_exhausted_limits_applies() {
    assertEquals(
        Duration.ofSeconds(40),
        of(
            "anthropic-ratelimit-requests-remaining", "12",
            "anthropic-ratelimit-requests-reset", "2026-11-25T16:00:55Z",
            "anthropic-ratelimit-input-tokens-remaining", "0",
            "anthropic-ratelimit-input-tokens-reset", "2026-11-25T16:00:30Z",
            "anthropic-ratelimit-output-tokens-remaining", "0",
            "anthropic-ratelimit-output-tokens-reset", "2026-11-25T17:00:40+01:00"));
    assertEquals(
        Duration.ofMillis(977_764),
        of("x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "16m17.764s"));
    assertEquals(
        Duration.ofSeconds(5), of("anthropic-ratelimit-tokens-reset", "2026-11-25T16:00:05Z"));
  }

  @Test
  void without_an_exhausted_limit_the_earliest_reset_applies() {
    assertEquals(
        Duration.ofMillis(20),
        of(
            "x-ratelimit-remaining-requests", "99",
            "x-ratelimit-reset-requests", "20ms",
            "x-ratelimit-remaining-tokens", "300",
            "x-ratelimit-reset-tokens", "6s"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"-1", "soon", "1e400", "NaN", "99999999999", "Mon, 01 Jan 2001 00:00:00 GMT", ""})
  void malformed_past_and_far_future_values_are_ignored(String value) {
    assertEquals(Duration.ZERO, of("retry-after", value));
    assertEquals(
        Duration.ZERO,
        of(
            "anthropic-ratelimit-requests-remaining",
            "0",
            "anthropic-ratelimit-requests-reset",
            value));
    assertEquals(
        Duration.ZERO,
        of("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", value));
  }
}
