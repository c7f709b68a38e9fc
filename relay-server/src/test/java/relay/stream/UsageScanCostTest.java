package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.model.Dialect;

/** The allocation of usage scanning. */
class UsageScanCostTest {
  private static final String JSON =
      """
      {"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text",\
      "text":"%s"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":512,\
      "cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":128}}\
      """
          .formatted("a few words, \\\"quoted\\\"\\n".repeat(30));

  @Test
  void a_json_answer_is_scanned_with_few_allocations() {
    byte[] answer = JSON.getBytes(UTF_8);
    CostBound.USAGE_OF_JSON.hold(
        Allocation.bytesPerCall(() -> read(UsageScanner.ofJson(Dialect.ANTHROPIC), answer)));
  }

  @Test
  void a_stream_is_scanned_with_few_allocations_and_none_per_event() {
    double thirty = ofEvents(30);
    double more = ofEvents(230);
    CostBound.USAGE_OF_30_EVENTS.hold(thirty);
    CostBound.USAGE_OF_ONE_MORE_EVENT.hold((more - thirty) / 200);
  }

  private static double ofEvents(int events) {
    byte[] stream = stream(events);
    return Allocation.bytesPerCall(() -> read(UsageScanner.ofStream(Dialect.ANTHROPIC), stream));
  }

  private static void read(UsageScanner scanner, byte[] answer) {
    for (int from = 0; from < answer.length; from += 1_000) { // in parts, as from a socket
      scanner.feed(answer, from, Math.min(1_000, answer.length - from));
    }
    scanner.end();
    assertTrue(scanner.finished() && scanner.usage().outputTokens() == 128);
  }

  private static byte[] stream(int events) {
    String delta =
        """
        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a few words"}}

        """;
    return ("""
    event: message_start
    data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],\
    "usage":{"input_tokens":512,"cache_read_input_tokens":0,"output_tokens":1}}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

    """
            + delta.repeat(events)
            + """
            event: content_block_stop
            data: {"type":"content_block_stop","index":0}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":128}}

            event: message_stop
            data: {"type":"message_stop"}

            """)
        .getBytes(UTF_8);
  }
}
