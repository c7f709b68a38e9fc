package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.HeaderLines;
import relay.redis.model.Refill;

/** When limits are full again, from response headers. */
final class RefillTimesTest {
  private static Refill read(String... namesAndValues) {
    HeaderLines lines = new HeaderLines();
    for (int n = 0; n < namesAndValues.length; n += 2) {
      lines.add(namesAndValues[n], namesAndValues[n + 1]);
    }
    return RefillTimes.read(lines::forEach);
  }

  @Test
  void a_time_is_compared_with_the_providers_own_clock_less_what_rounding_can_be() {
    assertEquals(
        new Refill(0, 8_000, 58_000, -1),
        read(
            "Date", "Wed, 25 Nov 2026 10:00:00 GMT",
            "Anthropic-RateLimit-Requests-Reset", "2026-11-25T10:00:01Z",
            "anthropic-ratelimit-input-tokens-reset", "2026-11-25T10:00:10Z",
            "anthropic-ratelimit-output-tokens-reset", "2026-11-25T10:01:00Z"));
  }

  @Test
  void a_duration_counts_as_it_is() {
    assertEquals(
        new Refill(120, -1, -1, 360_000),
        read("x-ratelimit-reset-requests", "120ms", "x-ratelimit-reset-tokens", "6m0s"));
  }

  @Test
  void without_a_date_a_time_tells_nothing() {
    assertEquals(Refill.NONE, read("anthropic-ratelimit-requests-reset", "2026-11-25T10:00:01Z"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "2026-11-25", "9999-12-31T00:00:00Z", "-1", "1e400"})
  void an_unreadable_or_far_time_is_ignored(String reset) {
    assertEquals(
        Refill.NONE,
        read(
            "date", "Wed, 25 Nov 2026 10:00:00 GMT",
            "anthropic-ratelimit-requests-reset", reset,
            "x-ratelimit-reset-tokens", reset));
  }
}
