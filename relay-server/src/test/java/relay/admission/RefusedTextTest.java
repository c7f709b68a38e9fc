package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefusedTextTest {
  @ParameterizedTest
  @CsvSource({
    "Incorrect API key provided: sk-proj-abc***xyz.",
    "organization org-AbC123 on tokens",
    "project proj_abc123 is archived",
    "account 7f3c1b52-9d1e-4f7a-8c3b-0a1b2c3d4e5f has no credits",
    "User: arn:aws:iam::123456789012:user/x is not authorized",
    "AKIAIOSFODNN7EXAMPLE is not valid",
    "workspace wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ is at its limit",
    "Bearer abcdef is no token",
    "the key 0123456789abcdef0123456789abcdef is unknown"
  })
  void credentials_and_ids_of_accounts_are_removed(String text) {
    String cleaned = RefusedText.clean(text);
    assertEquals(1, cleaned.split("\\[removed\\]", -1).length - 1, cleaned);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "This request requires more credits, or fewer max_tokens. You requested 64000 tokens.",
        "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"no\"},"
            + "\"request_id\":\"req_011CSHoEeqs5C35K2UUqR7Fy\"}",
        "the model claude-sonnet-4-5-20250929 is not enabled",
        "you exceeded your current quota (insufficient_quota)"
      })
  void the_rest_stays(String text) {
    assertEquals(text, RefusedText.clean(text));
  }
}
