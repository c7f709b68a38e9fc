package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.model.Dialect.ANTHROPIC;
import static relay.model.Dialect.OPENAI;
import static relay.stream.Streams.scan;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.stream.Streams.Seen;

@Tag("slow")
class SseUsageScannerTest {
  private static final Map<String, Seen> EXPECTED =
      Map.of(
          "anthropic-text", seen(new TokenUsage(25, 1200, 34000, 15), true, false),
          "anthropic-thinking-tools", seen(new TokenUsage(480, 0, 11, 89), true, false),
          "anthropic-error", seen(new TokenUsage(10, 0, 0, 1), false, true),
          "openai-chat", seen(new TokenUsage(93, 0, 1024, 46), true, false),
          "openai-tools", new Seen(TokenUsage.NONE, false, true, false, true),
          "openai-error", new Seen(TokenUsage.NONE, false, false, true, true),
          "openai-responses", seen(new TokenUsage(30, 0, 7, 11), true, false),
          "openai-responses-failed", seen(new TokenUsage(12, 0, 0, 2), true, true),
          "openai-responses-incomplete", seen(new TokenUsage(0, 0, 20, 64), true, false));

  private static Seen seen(TokenUsage usage, boolean finished, boolean error) {
    return new Seen(usage, true, finished, error, true);
  }

  private static Dialect dialect(String name) {
    return name.startsWith("anthropic") ? ANTHROPIC : OPENAI;
  }

  @Test
  void the_usage_of_recorded_streams_is_read_with_every_line_end() {
    EXPECTED.forEach(
        (name, expected) -> {
          for (byte[] stream : Streams.variants(Streams.text(name))) {
            assertEquals(expected, scan(dialect(name), stream), name);
          }
        });
  }

  @Test
  void event_lines_do_not_affect_the_usage() {
    EXPECTED.forEach(
        (name, expected) ->
            assertEquals(
                expected,
                scan(dialect(name), Streams.text(name).replaceAll("event: .*\n", "")),
                name));
  }

  @Test
  void the_result_is_the_same_at_any_split() {
    EXPECTED.forEach(
        (name, expected) -> {
          for (byte[] stream : Streams.variants(Streams.text(name))) {
            for (int cut = 0; cut <= stream.length; cut++) {
              byte[] head = Arrays.copyOf(stream, cut);
              byte[] tail = Arrays.copyOfRange(stream, cut, stream.length);
              assertEquals(expected, scan(dialect(name), head, tail), name + " cut at " + cut);
            }
            assertEquals(expected, scan(dialect(name), Streams.single(stream)), name);
            for (int seed = 0; seed < 50; seed++) {
              byte[][] chunks = Streams.random(stream, new Random(seed));
              assertEquals(expected, scan(dialect(name), chunks), name + " seed " + seed);
            }
          }
        });
  }

  @Test
  void every_prefix_gives_the_same_result_at_any_split() {
    for (String name : EXPECTED.keySet()) {
      for (byte[] stream : Streams.variants(Streams.text(name))) {
        UsageScanner bytewise = UsageScanner.ofStream(dialect(name));
        for (int length = 0; length < stream.length; length++) {
          Seen whole = scan(dialect(name), Arrays.copyOf(stream, length));
          assertEquals(whole, Seen.of(bytewise), name + " after " + length);
          bytewise.feed(stream, length, 1);
        }
      }
    }
  }

  @Test
  void input_is_known_from_the_start_and_output_is_the_latest() {
    String text = Streams.text("anthropic-text");
    String start = text.substring(0, text.indexOf("event: content_block_start"));
    assertEquals(new TokenUsage(25, 1200, 34000, 1), scan(ANTHROPIC, start).usage());
    String delta = "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":%d}}\n\n";
    assertEquals(
        new TokenUsage(25, 1200, 34000, 9),
        scan(ANTHROPIC, start + delta.formatted(7) + delta.formatted(9)).usage());
  }

  /** Some gateways send all counts of a dialect, with 0 for unknown ones. */
  @Test
  void a_zero_does_not_replace_a_count() {
    String chunk =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":2},\"input_tokens\":0,"
            + "\"output_tokens\":0,\"input_tokens_details\":null}}\n\n";
    assertEquals(new TokenUsage(10, 0, 2, 5), scan(OPENAI, chunk).usage());
    String text = Streams.text("anthropic-text");
    String start = text.substring(0, text.indexOf("event: content_block_start"));
    String delta =
        "data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":0,"
            + "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
            + "\"output_tokens\":15}}\n\n";
    assertEquals(new TokenUsage(25, 1200, 34000, 15), scan(ANTHROPIC, start + delta).usage());
    assertEquals(new TokenUsage(0, 0, 0, 15), scan(ANTHROPIC, delta).usage());
  }

  @Test
  void data_of_several_lines_is_one_document() {
    String event =
        "data:{\"choices\":[\ndata: ],\"usage\":\ndata\ndata:  {\"prompt_tokens\":3,\n"
            + "id: 7\ndata: \"completion_tokens\":4}}\n\n";
    for (byte[] variant : Streams.variants(event)) {
      assertEquals(new TokenUsage(3, 0, 0, 4), scan(OPENAI, variant).usage());
      assertEquals(new TokenUsage(3, 0, 0, 4), scan(OPENAI, Streams.single(variant)).usage());
    }
    // A line that would be skipped alone is not skipped if another data line follows.
    assertTrue(scan(OPENAI, "data: {\ndata: \"error\":{}}\n\n").error());
  }

  @Test
  void usage_like_text_of_a_model_is_ignored() {
    for (String content :
        List.of(
            "[DONE]",
            "\\\"usage\\\":{\\\"prompt_tokens\\\":5}",
            "prompt_tokens",
            "_tokens",
            "error",
            "usage",
            "\\\\\\\"},\\\"usage\\\":{\\\"completion_tokens\\\":5",
            "response.completed")) {
      String chunk = "{\"choices\":[{\"delta\":{\"content\":\"" + content + "\"}}]}";
      String named =
          "{\"choices\":[{\"usage\":{\"prompt_tokens\":9},\"error\":{},\"type\":\"error\","
              + "\""
              + content.replace("\\", "").replace("\"", "")
              + "\":1}]}";
      for (String data :
          List.of(chunk, named, "\"" + content + "\"", "[{\"usage\":{\"prompt_tokens\":1}}]")) {
        for (String prefix : List.of("", ": comment\n", "event: message\n")) {
          String event = prefix + "data: " + data + "\n\n";
          Seen nothing = new Seen(TokenUsage.NONE, false, false, false, true);
          assertEquals(nothing, scan(OPENAI, event), event);
          assertEquals(nothing, scan(OPENAI, Streams.single(event.getBytes(UTF_8))), event);
          assertEquals(nothing, scan(ANTHROPIC, event), event);
        }
      }
    }
  }

  @Test
  void numbers_that_cannot_be_counts_are_ignored() {
    for (String bad :
        List.of(
            "-1",
            "1.5",
            "1e400",
            "1e2",
            "\"5\"",
            "null",
            "true",
            "{}",
            "[5]",
            "NaN",
            "Infinity",
            "99999999999999999999",
            "1000000000001")) {
      String event =
          "data: {\"usage\":{\"prompt_tokens\":" + bad + ",\"completion_tokens\":4}}\n\n";
      TokenUsage usage = scan(OPENAI, event).usage();
      boolean json = !bad.equals("NaN") && !bad.equals("Infinity");
      assertEquals(json ? new TokenUsage(0, 0, 0, 4) : TokenUsage.NONE, usage, bad);
    }
    assertEquals(
        new TokenUsage(1_000_000_000_000L, 0, 0, 0),
        scan(OPENAI, "data: {\"usage\":{\"prompt_tokens\":1000000000000}}\n\n").usage());
    // More cached tokens than prompt tokens.
    assertEquals(
        new TokenUsage(0, 0, 5, 0),
        scan(
                OPENAI,
                "data:"
                    + " {\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":9}}}\n\n")
            .usage());
    assertTrue(scan(OPENAI, "data: {\"usage\":{\"completion_tokens\":0}}\n\n").reported());
    assertFalse(scan(OPENAI, "data: {\"usage\":{}}\n\ndata: {\"usage\":null}\n\n").reported());
  }

  @Test
  void broken_json_yields_no_usage() {
    String good =
        "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4},\"error\":{\"a\":[1,true]}}";
    for (int i = 0; i < good.length(); i++) {
      Seen seen = scan(OPENAI, "data: " + good.substring(0, i) + "\n\n");
      assertEquals(
          new Seen(TokenUsage.NONE, false, false, false, true), seen, good.substring(0, i));
    }
    for (String bad :
        List.of(
            good + "x",
            good + good,
            good.replace("}}", "}]"),
            good.replace(":[", "[["),
            good.replace("true", "truth"),
            good.replace(",", ",,"),
            "{" + good,
            good.replace("{\"p", "{,\"p"),
            good.replace("\"a\"", "a"),
            good.replace("1,", "1;"))) {
      assertFalse(scan(OPENAI, "data: " + bad + "\n\n").reported(), bad);
    }
    // The next event is read normally.
    assertTrue(scan(OPENAI, "data: {\"usage\":{\n\ndata: " + good + "\n\n").reported());
  }

  @Test
  void an_unterminated_last_line_counts_at_the_end() {
    byte[] open = "data: {\"usage\":{\"prompt_tokens\":5}}\n\ndata: [DONE]".getBytes(UTF_8);
    UsageScanner scanner = UsageScanner.ofStream(OPENAI);
    scanner.feed(open, 0, open.length);
    assertFalse(scanner.finished());
    scanner.end();
    assertTrue(scanner.finished());
    assertFalse(scanner.atEventBoundary());
    byte[] error = "event: error\ndata: oops".getBytes(UTF_8);
    UsageScanner broken = UsageScanner.ofStream(ANTHROPIC);
    broken.feed(error, 0, error.length);
    broken.end();
    assertTrue(broken.errorSeen());
  }

  @Test
  void errors_are_detected_by_event_type_or_data() {
    assertTrue(scan(ANTHROPIC, "event: error\ndata: not json\n\n").error());
    assertTrue(scan(ANTHROPIC, "data: {\"type\" : \"error\"}\n\n").error());
    assertTrue(scan(OPENAI, "data: {\"error\":\"text\"}\n\n").error());
    assertTrue(scan(OPENAI, "data: {\"id\":1, \"error\":{\"message\":\"m\"}}\n\n").error());
    assertTrue(scan(OPENAI, "data: {\"type\":\"response.failed\",\"response\":{}}\n\n").error());
    assertFalse(scan(OPENAI, "data: {\"error\":null}\n\n").error());
    assertFalse(scan(ANTHROPIC, "event: error\n\ndata: {}\n\n").error());
    assertFalse(scan(ANTHROPIC, "event: errors\ndata: {}\n\n").error());
    assertFalse(scan(ANTHROPIC, "event: error\nevent: ping\ndata: {}\n\n").error());
    assertFalse(scan(ANTHROPIC, "events: error\nxevent: error\ndata: {}\n\n").error());
  }

  @Test
  void an_event_may_be_appended_only_between_events() {
    for (String yes :
        List.of("", "data: x\n\n", "data: x\r\r", ": c\n", "data: x\r\n\r\n", "\n", ": c\n\n")) {
      assertTrue(scan(OPENAI, yes).boundary(), yes);
    }
    for (String no :
        List.of(
            "d",
            "data",
            "data:",
            "data: x",
            "data: x\n",
            "data: x\r\n",
            "event: e\n",
            "id\n",
            ":",
            ": c",
            "data: x\n\n:")) {
      assertFalse(scan(OPENAI, no).boundary(), no);
    }
  }

  /** The official clients behave the same. */
  @Test
  void data_starting_with_done_ends_an_openai_stream() {
    for (String yes :
        List.of("data:[DONE]", "data: [DONE] x", "data: [DONE]\ndata: x", "data: [DONE][DON")) {
      assertTrue(scan(OPENAI, yes + "\n\n").finished(), yes);
    }
    for (String no :
        List.of(
            "data:  [DONE]",
            "data: x\ndata: [DONE]",
            "data: [DON][DONE]",
            "data: [DON]",
            "data: \"[DONE]\"",
            ": [DONE]",
            "id: [DONE]",
            "data: [DONE",
            "data:")) {
      assertFalse(scan(OPENAI, no + "\n\n").finished(), no);
    }
    assertFalse(scan(ANTHROPIC, "data: [DONE]\n\n").finished());
  }

  @Test
  void hostile_input_uses_no_memory_and_never_throws() {
    byte[] block = new byte[64 * 1024];
    for (String unit :
        List.of("[", "{\"usage\":", "data: ", "\"", "x", "\r", "\\", "\u0000", "{\"a\":[")) {
      byte[] bytes = unit.getBytes(UTF_8);
      for (int i = 0; i < block.length; i++) {
        block[i] = bytes[i % bytes.length];
      }
      for (Dialect dialect : Dialect.values()) {
        UsageScanner scanner = UsageScanner.ofStream(dialect);
        byte[] start = "data: ".getBytes(UTF_8);
        scanner.feed(start, 0, start.length);
        for (int i = 0; i < 100; i++) {
          scanner.feed(block, 0, block.length);
        }
        byte[] end = "\n\ndata: {\"usage\":{\"output_tokens\":3}}\n\n".getBytes(UTF_8);
        scanner.feed(end, 0, end.length);
        assertEquals(3, scanner.usage().outputTokens(), unit);
      }
    }
  }

  @Test
  void random_bytes_give_the_same_result_at_any_split() {
    String[] pieces = {
      "data: ",
      "data:",
      "event: error",
      "\n",
      "\n\n",
      "\r",
      "\r\n",
      ":",
      "{\"usage\":",
      "{\"prompt_tokens\":1",
      "\"output_tokens\":2",
      "}",
      "}}",
      "{\"error\":1}",
      "[DONE]",
      "{\"type\":\"content_",
      "x",
      "\uFEFF",
      " ",
      "{\"type\":\"message_stop\"}",
      "{\"type\":\"response.completed\"}",
      "\"",
      ",",
      "{\"choices\":[]}",
      "\\",
      "id: 1"
    };
    for (int seed = 0; seed < 20_000; seed++) {
      Random random = new Random(seed);
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(40); i >= 0; i--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      byte[] bytes = text.toString().getBytes(UTF_8);
      Dialect dialect = random.nextBoolean() ? OPENAI : ANTHROPIC;
      Seen expected = scan(dialect, bytes);
      assertEquals(expected, scan(dialect, Streams.single(bytes)), "seed " + seed + ": " + text);
      assertEquals(expected, scan(dialect, Streams.random(bytes, random)), "seed " + seed);
    }
  }
}
