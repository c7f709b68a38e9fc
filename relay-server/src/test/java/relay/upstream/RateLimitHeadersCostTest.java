package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.model.HeaderLines;

class RateLimitHeadersCostTest {
  private static final HeaderLines ANSWER =
      new HeaderLines()
          .add("content-type", "application/json")
          .add("request-id", "req_1")
          .add("anthropic-ratelimit-requests-limit", "50")
          .add("anthropic-ratelimit-requests-remaining", "49")
          .add("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z")
          .add("anthropic-ratelimit-input-tokens-limit", "30000")
          .add("anthropic-ratelimit-input-tokens-remaining", "29000")
          .add("anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:00:00Z")
          .add("anthropic-ratelimit-output-tokens-limit", "8000")
          .add("anthropic-ratelimit-output-tokens-remaining", "8000")
          .add("anthropic-ratelimit-output-tokens-reset", "2026-01-01T00:00:00Z");

  @Test
  void rate_limit_headers_are_read_with_few_allocations() {
    CostBound.RATE_LIMIT_HEADERS.hold(
        Allocation.bytesPerCall(
            () -> assertEquals(50, RateLimitHeaders.read(ANSWER::forEach).limits().requests())));
  }
}
