package relay.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.model.RelayError;

class ErrorBodiesTest {
  @Test
  void a_permanent_error_tells_clients_not_to_retry() {
    for (RelayError error :
        List.of(
            RelayError.invalid("m"),
            RelayError.unauthenticated("m"),
            RelayError.notFound("m"),
            RelayError.wrongMethod("m"),
            RelayError.outOfUse("m"),
            RelayError.tooLarge(1))) {
      assertEquals("false", ErrorBodies.headers(error, "req").first("x-should-retry"));
    }
  }

  @Test
  void a_temporary_error_leaves_the_retry_to_clients() {
    for (RelayError error :
        List.of(
            RelayError.rateLimited("m", Duration.ofSeconds(1)),
            RelayError.unreachable("m"),
            RelayError.unavailable("m"),
            RelayError.timeout("m"),
            RelayError.overloaded(Dialect.ANTHROPIC, "m"),
            RelayError.overloaded(Dialect.OPENAI, "m"))) {
      assertNull(ErrorBodies.headers(error, "req").first("x-should-retry"));
    }
  }

  /** Anthropic's SDK would wait a day in silence. */
  @ParameterizedTest
  @EnumSource(Dialect.class)
  void who_is_told_more_than_a_minute_is_told_not_to_wait(Dialect dialect) {
    for (long millis : new long[] {60_001, 86_582_000}) {
      RelayError error = RelayError.rateLimited("m", Duration.ofMillis(millis));
      HeaderLines headers = ErrorBodies.headers(error, "req");
      assertEquals("false", headers.first("x-should-retry"));
      assertEquals(Long.toString(millis), headers.first("retry-after-ms"));
      assertFalse(new String(ErrorBodies.body(dialect, error, "req"), UTF_8).contains("quota"));
    }
    RelayError soon = RelayError.rateLimited("m", Duration.ofSeconds(60));
    assertNull(ErrorBodies.headers(soon, "req").first("x-should-retry"));
  }

  @Test
  void the_sdks_of_both_dialects_find_the_requests_id() {
    HeaderLines headers = ErrorBodies.headers(RelayError.invalid("m"), "req");
    assertEquals("req", headers.first("request-id")); // Anthropic's
    assertEquals("req", headers.first("x-request-id")); // OpenAI's
  }

  @Test
  void retry_after_is_exact_in_milliseconds_and_rounded_up_in_seconds() {
    HeaderLines headers =
        ErrorBodies.headers(RelayError.rateLimited("m", Duration.ofNanos(2_000_000_001)), "req");
    assertEquals("2001", headers.first("retry-after-ms"));
    assertEquals("3", headers.first("retry-after"));
  }
}
