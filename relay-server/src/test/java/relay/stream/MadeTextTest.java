package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;

/** How much of a stream is what its model has made. */
final class MadeTextTest {
  /** The first and last events are left out, however the bytes are split. */
  @ParameterizedTest
  @EnumSource(Dialect.class)
  void the_text_of_deltas_alone_is_what_was_made(Dialect dialect) {
    String anthropic =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"%s\"}}\n\n"
            .formatted("x".repeat(5_000));
    String stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    String created = "data: {\"type\":\"response.created\",\"response\":{\"id\":\"%s\"}}\n\n";
    StringBuilder text = new StringBuilder();
    text.append(dialect == Dialect.ANTHROPIC ? anthropic : created.formatted("x".repeat(5_000)));
    for (int n = 0; n < 10; n++) {
      String words = "w".repeat(n == 0 ? 1 : 1_000);
      text.append(
          dialect == Dialect.ANTHROPIC
              ? "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                  + "\"delta\":{\"type\":\"text_delta\",\"text\":\""
                  + words
                  + "\"}}\n\n"
              : "data: {\"type\":\"response.output_text.delta\",\"pad\":\""
                  + "p".repeat(100)
                  + "\",\"delta\":\""
                  + words
                  + "\"}\n\n");
    }
    text.append(
        dialect == Dialect.ANTHROPIC
            ? stop
            : created.replace("created", "completed").formatted("x".repeat(5_000)));
    byte[] all = text.toString().getBytes(UTF_8);
    for (int part : new int[] {1, 7, 1_000, all.length}) {
      UsageScanner scanner = UsageScanner.ofStream(dialect);
      for (int from = 0; from < all.length; from += part) {
        scanner.feed(all, from, Math.min(part, all.length - from));
      }
      assertEquals(9 * 999, scanner.madeBytes(), "in parts of " + part);
    }
  }

  @Test
  void before_the_framing_is_known_the_least_is_assumed() {
    MadeText text = new MadeText(190);
    assertEquals(0, text.bytes());
    text.add(260);
    assertEquals(70, text.bytes(), "one event with 64 bytes of text");
    for (int n = 0; n < 9; n++) {
      text.add(244);
    }
    assertEquals(16, text.bytes(), "by the smallest event");
    text.add(2_244);
    assertEquals(2_016, text.bytes());
  }
}
