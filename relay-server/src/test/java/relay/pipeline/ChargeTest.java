package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;
import relay.model.TokenUsage;

/** The charge of a reported usage. */
final class ChargeTest {
  private static final TokenUsage USAGE = new TokenUsage(100, 2_000, 30_000, 400);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "claude-opus-4-6",
        "claude-haiku-4-5",
        "claude-3-7-sonnet-20250219",
        "anthropic.claude-sonnet-4-5-20250929-v1:0"
      })
  void anthropic_gives_cache_reads_free(String model) {
    assertEquals(new Charge(2_100, 400), Charge.of(Dialect.ANTHROPIC, model, 8_000, USAGE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "claude-3-5-haiku-20241022",
        "claude-3-5-haiku-latest",
        "claude-3-haiku-20240307",
        "anthropic.claude-3-5-haiku-20241022-v1:0"
      })
  void old_anthropic_models_count_cache_reads(String model) {
    assertEquals(new Charge(32_100, 400), Charge.of(Dialect.ANTHROPIC, model, -1, USAGE));
  }

  @Test
  void openai_counts_the_whole_prompt_and_keeps_the_bound_that_it_charged_at_admission() {
    TokenUsage usage = new TokenUsage(100, 0, 900, 400);
    assertEquals(new Charge(1_000, 400), Charge.of(Dialect.OPENAI, "gpt-5", -1, usage));
    assertEquals(new Charge(1_000, 4_096), Charge.of(Dialect.OPENAI, "gpt-5", 4_096, usage));
    assertEquals(new Charge(1_000, 400), Charge.of(Dialect.OPENAI, "gpt-5", 10, usage));
  }
}
