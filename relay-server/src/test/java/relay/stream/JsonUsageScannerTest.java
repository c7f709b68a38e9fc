package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;
import relay.model.TokenUsage;

class JsonUsageScannerTest {
  private static final String ANTHROPIC =
      """
      {"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-6",
       "content":[{"type":"text","text":"\\"usage\\":{\\"input_tokens\\":9} é"},
                  {"type":"tool_use","id":"t","name":"n","input":{"usage":{"output_tokens":8},"type":"error"}}],
       "stop_reason":"end_turn",
       "usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,
                "cache_creation":{"ephemeral_5m_input_tokens":3},"output_tokens":56,"service_tier":"standard"}}
      """;
  private static final String OPENAI =
      """
      {"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":
       {"role":"assistant","content":"{\\"usage\\":1}"},"logprobs":null,"finish_reason":"stop"}],
       "usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,
       "prompt_tokens_details":{"cached_tokens":16,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}
      """;

  private static final String EMBEDDINGS =
      """
      {"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]},
       {"object":"embedding","index":1,"embedding":"AACAPw=="}],"model":"text-embedding-3-small",
       "usage":{"prompt_tokens":8,"total_tokens":8}}
      """;
  private static final String RESPONSE =
      """
      {"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"type":"message",
       "content":[{"type":"output_text","text":"\\"usage\\":{}"}]}],
       "usage":{"input_tokens":6,"input_tokens_details":{"cached_tokens":1},"output_tokens":7,
       "output_tokens_details":{"reasoning_tokens":3},"total_tokens":13}}
      """;

  private static UsageScanner scan(Dialect dialect, String body) {
    UsageScanner scanner = UsageScanner.ofJson(dialect);
    for (byte b : body.getBytes(UTF_8)) {
      scanner.feed(new byte[] {b}, 0, 1);
    }
    scanner.end();
    return scanner;
  }

  @Test
  void a_bodys_usage_is_read() {
    assertEquals(new TokenUsage(12, 3, 4, 56), scan(Dialect.ANTHROPIC, ANTHROPIC).usage());
    assertEquals(new TokenUsage(3, 0, 16, 10), scan(Dialect.OPENAI, OPENAI).usage());
    assertFalse(scan(Dialect.ANTHROPIC, ANTHROPIC).errorSeen());
  }

  @Test
  void the_usage_of_other_openai_bodies_is_read() {
    assertEquals(new TokenUsage(8, 0, 0, 0), scan(Dialect.OPENAI, EMBEDDINGS).usage());
    assertEquals(new TokenUsage(5, 0, 1, 7), scan(Dialect.OPENAI, RESPONSE).usage());
  }

  @Test
  void a_truncated_body_yields_no_usage() {
    for (int length = 0; length < OPENAI.stripTrailing().length(); length++) {
      UsageScanner scanner = scan(Dialect.OPENAI, OPENAI.substring(0, length));
      assertFalse(scanner.reported() || scanner.finished(), "cut after " + length);
    }
    assertFalse(scan(Dialect.OPENAI, OPENAI + "x").reported());
  }

  @Test
  void the_result_is_the_same_at_any_split() {
    Map<String, Dialect> bodies =
        Map.of(
            ANTHROPIC, Dialect.ANTHROPIC,
            OPENAI, Dialect.OPENAI,
            EMBEDDINGS, Dialect.OPENAI,
            RESPONSE, Dialect.OPENAI);
    bodies.forEach(
        (text, dialect) -> {
          byte[] body = text.getBytes(UTF_8);
          TokenUsage whole = scan(dialect, text).usage();
          for (int cut = 0; cut <= body.length; cut++) {
            UsageScanner scanner = UsageScanner.ofJson(dialect);
            scanner.feed(body, 0, cut);
            scanner.feed(body, cut, body.length - cut);
            scanner.end();
            assertEquals(whole, scanner.usage(), "cut at " + cut + " of " + text);
            assertTrue(scanner.finished() && !scanner.errorSeen(), "cut at " + cut);
          }
        });
  }

  @Test
  void an_error_body_is_an_error() {
    assertTrue(
        scan(Dialect.ANTHROPIC, "{\"type\":\"error\",\"error\":{\"type\":\"x\"}}").errorSeen());
    assertTrue(scan(Dialect.OPENAI, "{\"error\":{\"message\":\"m\"}}").errorSeen());
  }

  @Test
  void deep_nesting_only_counts_as_broken() {
    String deep =
        "{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + ",\"usage\":{\"prompt_tokens\":1}}";
    assertFalse(scan(Dialect.OPENAI, deep).reported());
    String allowed =
        "{\"x\":" + "[".repeat(511) + "]".repeat(511) + ",\"usage\":{\"prompt_tokens\":1}}";
    assertTrue(scan(Dialect.OPENAI, allowed).reported());
  }

  @Test
  void a_body_has_no_event_boundary() {
    assertFalse(UsageScanner.ofJson(Dialect.OPENAI).atEventBoundary());
  }
}
