package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Counting;
import relay.model.Counting.Bound;
import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.model.Weights;

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
    assertEquals(
        new Charge(2_100, 400), Charge.of(Counting.of(Dialect.ANTHROPIC, model), 8_000, USAGE));
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
    assertEquals(
        new Charge(32_100, 400), Charge.of(Counting.of(Dialect.ANTHROPIC, model), -1, USAGE));
  }

  @Test
  void openai_counts_the_whole_prompt_and_keeps_the_bound_that_it_charged_at_admission() {
    TokenUsage usage = new TokenUsage(100, 0, 900, 400);
    assertEquals(
        new Charge(1_000, 400), Charge.of(Counting.of(Dialect.OPENAI, "gpt-5"), -1, usage));
    assertEquals(
        new Charge(1_000, 4_096), Charge.of(Counting.of(Dialect.OPENAI, "gpt-5"), 4_096, usage));
    assertEquals(
        new Charge(1_000, 400), Charge.of(Counting.of(Dialect.OPENAI, "gpt-5"), 10, usage));
  }

  /**
   * "Input token count + Cache write input tokens + (Output token count x Burndown rate)": Amazon
   * Bedrock's user guide, "How tokens are counted in Amazon Bedrock", read November 27, 2026.
   */
  @Test
  void a_held_bound_is_given_back_and_output_counts_by_its_weight() {
    Counting bedrock = new Counting(new Weights(1, 0, 1, 5), Bound.HELD_AS_OUTPUT);
    assertEquals(new Charge(2_100, 2_000), Charge.of(bedrock, 8_000, USAGE));
  }

  /**
   * "any unused portion of the initial input-token reservation (the difference between max_tokens
   * and the actual output) is replenished": Amazon Bedrock's user guide, "Quotas for the
   * bedrock-mantle endpoint", read November 27, 2026.
   */
  @Test
  void a_bound_held_as_input_leaves_the_output_there() {
    Counting mantle = new Counting(Weights.CACHE_READS_FREE, Bound.HELD_AS_INPUT);
    assertEquals(new Charge(2_500, 400), Charge.of(mantle, 8_000, USAGE));
  }

  @Test
  void each_kind_of_token_has_its_weight_and_parts_are_rounded_up() {
    Counting counting = new Counting(new Weights(2, 0.1, 1.5, 0.001), Bound.KEPT);
    assertEquals(new Charge(200 + 3_000 + 3_000, 1), Charge.of(counting, 500, USAGE));
  }
}
