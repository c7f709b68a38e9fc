package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.HeaderLines;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;
import relay.redis.model.Remaining;

/** Limits from response headers. */
final class RateLimitHeadersTest {
  private static final RateLimitHeaders NOTHING =
      new RateLimitHeaders(Limits.UNKNOWN, Remaining.NONE);

  private static RateLimitHeaders read(String... namesAndValues) {
    HeaderLines lines = new HeaderLines();
    for (int n = 0; n < namesAndValues.length; n += 2) {
      lines.add(namesAndValues[n], namesAndValues[n + 1]);
    }
    return RateLimitHeaders.read(lines::forEach);
  }

  @Test
  void anthropic_states_requests_input_and_output() {
    assertEquals(
        new RateLimitHeaders(
            new Limits(50, 30_000, 8_000, 0), new Remaining(49, 29_500, 7_123, -1)),
        read(
            "Anthropic-RateLimit-Requests-Limit", "50",
            "anthropic-ratelimit-requests-remaining", "49",
            "anthropic-ratelimit-requests-reset", "2026-11-25T10:00:00Z",
            "anthropic-ratelimit-input-tokens-limit", "30000",
            "anthropic-ratelimit-input-tokens-remaining", "29000",
            "anthropic-ratelimit-output-tokens-limit", "8000",
            "anthropic-ratelimit-output-tokens-remaining", "7123",
            "anthropic-ratelimit-tokens-limit", "8000",
            "anthropic-ratelimit-tokens-remaining", "7000",
            "anthropic-priority-input-tokens-limit", "10000",
            "anthropic-priority-input-tokens-remaining", "0"));
  }

  @Test
  void anthropic_tokens_are_a_total_if_nothing_else_is_given() {
    assertEquals(
        new RateLimitHeaders(new Limits(0, 0, 0, 40_000), new Remaining(-1, -1, -1, 40_000)),
        read(
            "anthropic-ratelimit-tokens-limit", "40000",
            "anthropic-ratelimit-tokens-remaining", "40000"));
  }

  @Test
  void a_rounded_remainder_counts_as_the_largest_possible_value() {
    for (String[] said : new String[][] {{"3000", "3500"}, {"0", "0"}, {"2999", "2999"}}) {
      assertEquals(
          Long.parseLong(said[1]),
          read(
                  "anthropic-ratelimit-input-tokens-limit",
                  "9000",
                  "anthropic-ratelimit-input-tokens-remaining",
                  said[0])
              .remaining()
              .inputTokens());
    }
  }

  @Test
  void openai_states_requests_and_all_tokens() {
    assertEquals(
        new RateLimitHeaders(new Limits(500, 0, 0, 200_000), new Remaining(499, -1, -1, 199_000)),
        read(
            "x-ratelimit-limit-requests", "500",
            "x-ratelimit-remaining-requests", "499",
            "x-ratelimit-reset-requests", "120ms",
            "x-ratelimit-limit-tokens", " 200000 ",
            "x-ratelimit-remaining-tokens", "199000",
            "x-ratelimit-reset-tokens", "6m0s"));
  }

  @Test
  void headers_of_the_other_format_added_by_a_gateway_are_ignored() {
    assertEquals(
        new RateLimitHeaders(new Limits(50, 0, 0, 0), new Remaining(7, -1, -1, -1)),
        read(
            "x-ratelimit-limit-requests", "5",
            "anthropic-ratelimit-requests-limit", "50",
            "anthropic-ratelimit-requests-remaining", "7",
            "x-ratelimit-remaining-requests", "0"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "-1",
        "0",
        "-0",
        "+5",
        "NaN",
        "Infinity",
        "1e400",
        "1e3",
        "0x10",
        "50.0",
        "5,000",
        "1000000000001",
        "99999999999999999999",
        "٥",
        "5 5",
        "unlimited",
        "6m0s"
      })
  void an_invalid_limit_is_ignored(String limit) {
    assertEquals(
        NOTHING,
        read("x-ratelimit-limit-tokens", limit, "x-ratelimit-remaining-tokens", "0"),
        "and so is its remainder");
    assertEquals(
        NOTHING,
        read(
            "anthropic-ratelimit-input-tokens-limit",
            limit,
            "anthropic-ratelimit-input-tokens-remaining",
            "0"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "NaN", "1e400", "-5", "many", "1000000000001"})
  void an_invalid_remainder_is_ignored(String remaining) {
    assertEquals(
        new RateLimitHeaders(new Limits(5, 0, 0, 0), Remaining.NONE),
        read("x-ratelimit-limit-requests", "5", "x-ratelimit-remaining-requests", remaining));
  }

  @Test
  void a_zero_remainder_counts_and_a_large_one_is_capped_by_the_limit() {
    assertEquals(
        0,
        read("x-ratelimit-limit-requests", "5", "x-ratelimit-remaining-requests", "0")
            .remaining()
            .requests());
    assertEquals(
        5,
        read("x-ratelimit-limit-requests", "5", "x-ratelimit-remaining-requests", "9")
            .remaining()
            .requests());
  }

  @Test
  void a_duplicate_header_counts_only_with_equal_values() {
    assertEquals(
        5,
        read("x-ratelimit-limit-requests", "5", "X-RateLimit-Limit-Requests", "5")
            .limits()
            .requests());
    assertEquals(
        NOTHING,
        read(
            "x-ratelimit-limit-requests", "5",
            "x-ratelimit-limit-requests", "6",
            "x-ratelimit-limit-requests", "6"));
  }

  @Test
  void an_answer_without_headers_gives_no_limits() {
    assertEquals(NOTHING, read("content-type", "application/json", "retry-after", "5"));
    assertEquals(NOTHING, read("x-ratelimit-", "5", "anthropic-ratelimit-limit", "5"));
  }

  @Test
  void random_headers_never_throw() {
    SplittableRandom random = new SplittableRandom(1);
    List<String> names =
        List.of(
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-output-tokens-limit",
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens");
    List<String> parts = List.of("0", "1", "9", "000", "-", "+", "e", ".", "NaN", " ", "x", "é");
    for (int round = 0; round < 50_000; round++) {
      String[] lines = new String[2 * random.nextInt(0, 12)];
      for (int n = 0; n < lines.length; n += 2) {
        String name = names.get(random.nextInt(names.size()));
        lines[n] = random.nextInt(20) == 0 ? name.substring(random.nextInt(name.length())) : name;
        StringBuilder value = new StringBuilder();
        for (int p = random.nextInt(0, 8); p > 0; p--) {
          value.append(parts.get(random.nextInt(random.nextBoolean() ? 4 : parts.size())));
        }
        lines[n + 1] = value.toString();
      }
      RateLimitHeaders said = read(lines);
      for (Dimension d : Dimension.values()) {
        long left = said.remaining().of(d);
        assertTrue(
            left == Remaining.NOT_STATED || (left >= 0 && left <= said.limits().of(d)),
            () -> String.join("|", lines) + " gave " + said);
      }
    }
  }
}
