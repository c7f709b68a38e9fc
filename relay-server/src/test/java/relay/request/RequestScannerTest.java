package relay.request;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.request.Scans.bad;
import static relay.request.Scans.cut;
import static relay.request.Scans.facts;
import static relay.request.Scans.scan;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestScannerTest {

  @Test
  void the_facts_of_an_anthropic_request_are_found() {
    String body =
        """
        { "system": "Be brief.", "max_tokens": 1024,
          "messages": [ {"role": "user", "content": "Grüße"} ],
          "metadata": {"user_id": "u"}, "model" : "claude-opus-4-6", "stream": true }\
        """;
    RequestFacts facts = facts(body);
    assertEquals("claude-opus-4-6", facts.model());
    assertEquals("\"claude-opus-4-6\"", cut(body, facts.modelValue()));
    assertTrue(facts.stream());
    assertEquals(1024, facts.maxOutputTokens());
    assertNull(facts.streamOptions());
    assertEquals(body.getBytes(UTF_8).length, facts.bodyLength());
    assertEquals(
        "Be brief.".length() + "user".length() + 7 + 1 + "claude-opus-4-6".length(),
        facts.textBytes());
  }

  @Test
  void the_facts_of_an_openai_request_are_found() {
    String body =
        "{\"model\":\"gpt-5\",\"stream_options\":{\"x\":1,\"include_usage\": true },"
            + "\"max_completion_tokens\":9}";
    RequestFacts facts = facts(body);
    assertFalse(facts.stream());
    assertEquals(9, facts.maxOutputTokens());
    assertTrue(facts.includeUsage());
    assertEquals(
        "{\"x\":1,\"include_usage\": true }", cut(body, assertNotNullRange(facts.streamOptions())));
    assertEquals("true", cut(body, assertNotNullRange(facts.includeUsageValue())));
  }

  private static ByteRange assertNotNullRange(@Nullable ByteRange range) {
    assertNotNull(range);
    return range;
  }

  @Test
  void only_the_given_length_of_the_buffer_is_read() {
    byte[] body = "{\"model\":\"m\"}garbage".getBytes(UTF_8);
    assertInstanceOf(RequestFacts.class, RequestScanner.scan(body, 13));
    assertInstanceOf(BadRequest.class, RequestScanner.scan(body, 12));
    assertInstanceOf(BadRequest.class, RequestScanner.scan(body, 14));
  }

  @Test
  void escapes_in_the_model_and_in_names_are_decoded() {
    assertEquals(
        "a\"b\\/é😀c", facts("{\"mod\\u0065l\":\"a\\\"b\\\\\\/\\u00e9\\ud83d\\uDE00c\"}").model());
    assertEquals(7, facts("{\"model\":\"m\",\"max\\u005ftokens\":7}").maxOutputTokens());
  }

  @Test
  void a_model_must_be_a_printable_non_empty_string() {
    for (String value :
        List.of(
            "\"\"",
            "1",
            "null",
            "[\"m\"]",
            "{}",
            "true",
            "\"a\\u0000\"",
            "\"\\ud800\"",
            "\"a\\n\"")) {
      assertTrue(bad("{\"model\":" + value + "}").message().contains("\"model\""), value);
    }
    assertEquals(
        "invalid request body at byte 8: \"model\" is missing", bad("{\"a\":1} ").message());
    assertTrue(bad("{}").message().contains("missing"));
    assertTrue(bad("{\"messages\":[{\"model\":\"m\"}]}").message().contains("missing"));
    facts("{\"model\":\"" + "m".repeat(256) + "\"}");
    assertTrue(bad("{\"model\":\"" + "m".repeat(257) + "\"}").message().contains("longer"));
  }

  @Test
  void duplicate_names_that_affect_routing_or_charging_are_refused() {
    for (String member :
        List.of(
            "\"model\":\"n\"",
            "\"mod\\u0065l\":\"m\"",
            "\"stream\":true",
            "\"max_tokens\":2",
            "\"max_output_tokens\":null",
            "\"max_completion_tokens\":1")) {
      String all =
          "{\"model\":\"m\",\"stream\":false,\"max_tokens\":1,\"max_output_tokens\":1,"
              + "\"max_completion_tokens\":1,"
              + member
              + "}";
      BadRequest refused = bad(all);
      assertTrue(refused.message().endsWith("is given twice"), refused.message());
      assertEquals(all.lastIndexOf(member), refused.offset());
    }
    facts(
        "{\"model\":\"m\",\"temperature\":1,\"temperature\":2,\"a\":{\"model\":\"x\",\"model\":1}}");
  }

  @Test
  void the_largest_of_the_output_bounds_counts() {
    assertEquals(
        7,
        facts(
                "{\"max_tokens\":5,\"max_completion_tokens\":7,\"max_output_tokens\":null,\"model\":\"m\"}")
            .maxOutputTokens());
    assertEquals(0, facts("{\"model\":\"m\",\"max_tokens\":0}").maxOutputTokens());
    assertEquals(
        RequestFacts.NO_BOUND, facts("{\"model\":\"m\",\"max_tokens\":null}").maxOutputTokens());
    assertEquals(
        1_000_000_000_000L,
        facts("{\"model\":\"m\",\"max_tokens\":1000000000000}").maxOutputTokens());
  }

  @Test
  void an_output_bound_is_a_whole_number_in_range_or_null() {
    for (String value :
        List.of(
            "-1",
            "-0",
            "1.0",
            "1e3",
            "1e400",
            "\"5\"",
            "true",
            "{}",
            "1000000000001",
            "9".repeat(5000),
            "18446744073709551617",
            "01",
            "nul")) {
      BadRequest refused = bad("{\"model\":\"m\",\"max_tokens\":" + value + "}");
      assertTrue(refused.offset() >= 26, refused.message());
    }
  }

  @Test
  void stream_is_a_boolean_or_null() {
    assertTrue(facts("{\"stream\":true,\"model\":\"m\"}").stream());
    assertFalse(facts("{\"stream\":null,\"model\":\"m\"}").stream());
    assertEquals(10, bad("{\"stream\":\"true\",\"model\":\"m\"}").offset());
    bad("{\"stream\":1,\"model\":\"m\"}");
    bad("{\"stream\":tru,\"model\":\"m\"}");
  }

  @Test
  void the_last_stream_options_apply() {
    RequestFacts facts =
        facts(
            "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true},\"stream_options\":{}}");
    assertFalse(facts.includeUsage());
    assertNull(facts.includeUsageValue());
    assertFalse(
        facts("{\"model\":\"m\",\"a\":{\"stream_options\":{\"include_usage\":true}}}")
            .includeUsage());
    assertFalse(
        facts("{\"model\":\"m\",\"stream_options\":{\"a\":{\"include_usage\":true}}}")
            .includeUsage());
  }

  @Test
  void base64_payloads_do_not_count_as_text() {
    String payload = "QUJD".repeat(100);
    long bare = facts("{\"model\":\"m\"}").textBytes();
    record Case(String member, int text) {}
    for (Case c :
        List.of(
            new Case("{\"type\":\"base64\",\"media_type\":\"x\",\"data\":\"" + payload + "\"}", 7),
            new Case("{\"data\":\"" + payload + "\",\"type\":\"b\\u0061se64\"}", 6),
            new Case("{\"data\":\"" + payload + "\",\"type\":\"text\"}", 404))) {
      String body = "{\"model\":\"m\",\"messages\":[{\"source\":" + c.member + "}]}";
      assertEquals(bare + c.text, facts(body).textBytes(), body);
    }
    for (String member :
        List.of(
            "{\"image_url\":{\"url\":\"data:image/png;base64," + payload + "\"}}",
            "{\"image_url\":\"DATA:image/png;base64," + payload + "\"}",
            "{\"file\":{\"file_data\":\"data:application/pdf;base64," + payload + "\"}}",
            "{\"input_audio\":{\"data\":\"" + payload + "\"}}")) {
      assertEquals(
          bare, facts("{\"model\":\"m\",\"messages\":[" + member + "]}").textBytes(), member);
    }
    // The same names in places where their values are text.
    for (String member :
        List.of(
            "{\"text\":\"data:image/png;base64,A\"}",
            "{\"url\":\"https://example.com/aaaaa\"}",
            "{\"other\":{\"type\":\"base64\",\"data\":\"12345678901234567\"}}")) {
      assertTrue(
          facts("{\"model\":\"m\",\"messages\":[" + member + "]}").textBytes() >= bare + 23,
          member);
    }
  }

  @Test
  void an_input_of_token_numbers_counts_as_text() {
    long bare = facts("{\"model\":\"m\",\"input\":[]}").textBytes();
    assertEquals(bare + 12, facts("{\"model\":\"m\",\"input\":[1, 20,300]}").textBytes());
    assertEquals(bare + 16, facts("{\"input\":[[1,2],[3],[4]],\"model\":\"m\"}").textBytes());
    assertEquals(bare + 5, facts("{\"model\":\"m\",\"input\":\"hello\"}").textBytes());
    assertEquals(bare, facts("{\"model\":\"m\",\"input\":7,\"other\":[1,2]}").textBytes());
  }

  @Test
  void attachments_count_with_a_bounded_estimate() {
    String small = "QUJD".repeat(100);
    String large = "QUJD".repeat(100_000);
    String pdf = "JVBE" + "RUJD".repeat(100_000);
    record Case(String member, long bytes) {}
    for (Case c :
        List.of(
            new Case("{\"source\":" + base64(large) + "}", 6_000),
            new Case("{\"source\":" + base64(small) + "}", 400),
            new Case("{\"source\":" + base64(pdf) + "}", 100_001),
            new Case("{\"source\":{\"type\":\"url\",\"url\":\"https://e.com/a.png\"}}", 6_000),
            new Case("{\"source\":{\"type\":\"text\",\"data\":\"plain\"}}", 0),
            new Case("{\"image_url\":{\"url\":\"https://e.com/a.png\"}}", 6_000),
            new Case("{\"image_url\":\"https://e.com/a.png\"}", 6_000),
            new Case("{\"image_url\":{\"url\":\"data:image/png;base64," + large + "\"}}", 6_000),
            new Case(
                "{\"file\":{\"file_data\":\"data:application/pdf;base64," + large + "\"}}",
                100_007),
            new Case("{\"input_audio\":{\"data\":\"" + large + "\"}}", 1_562),
            new Case("{\"url\":\"https://e.com/a.png\"}", 0),
            new Case("{\"text\":\"" + small + "\"}", 0))) {
      RequestFacts facts = facts("{\"model\":\"m\",\"messages\":[" + c.member + "]}");
      String told = c.member.substring(0, Math.min(60, c.member.length()));
      assertEquals(c.bytes, facts.attachedBytes(), told);
      assertEquals(facts.textBytes() + c.bytes, facts.inputBytes(), told);
    }
    String many = "{\"image_url\":\"x\"},".repeat(100_000);
    assertEquals(
        4_000_000, facts("{\"model\":\"m\",\"messages\":[" + many + "{}]}").attachedBytes());
  }

  private static String base64(String payload) {
    return "{\"type\":\"base64\",\"media_type\":\"x\",\"data\":\"" + payload + "\"}";
  }

  @Test
  void text_is_counted_as_decoded_utf8() {
    long bare = facts("{\"model\":\"m\"}").textBytes();
    String written = "\\n\\\"é\\u00e9\\u4e2d中\\ud83d\\ude00😀\\u0041";
    assertEquals(
        bare + "\n\"éé中中😀😀A".getBytes(UTF_8).length,
        facts("{\"model\":\"m\",\"prompt\":\"" + written + "\"}").textBytes());
  }

  @Test
  void a_fault_names_the_byte() {
    assertEquals(13, bad("{\"model\":\"m\"}x").offset());
    assertEquals(0, bad("").offset());
    assertEquals(0, bad("[]").offset());
    assertEquals(0, bad("\uFEFF{\"model\":\"m\"}").offset());
    assertEquals(12, bad("{\"model\":\"m\",}").offset() - 1);
    assertEquals(9, bad("{\"model\" \"m\"}").offset());
    assertEquals(
        "invalid request body at byte 10: a string is not valid UTF-8",
        assertInstanceOf(BadRequest.class, scan("{\"model\":\"\u00ff\"}".getBytes(ISO_8859_1)))
            .message());
  }

  @Test
  void nesting_is_bounded() {
    facts("{\"model\":\"m\",\"a\":" + "[".repeat(511) + "]".repeat(511) + "}");
    BadRequest refused = bad("{\"model\":\"m\",\"a\":" + "[".repeat(512) + "]".repeat(512) + "}");
    assertEquals(
        "invalid request body at byte 528: nested deeper than 512 levels", refused.message());
    String object = "{\"a\":";
    facts("{\"model\":\"m\",\"a\":" + object.repeat(511) + "1" + "}".repeat(512));
    bad("{\"model\":\"m\",\"a\":" + object.repeat(512) + "1" + "}".repeat(513));
    for (String open : List.of("[", object, "[{\"source\":")) {
      assertTrue(bad("{\"a\":" + open.repeat(100_000)).message().contains("nested deeper"));
    }
  }

  @Test
  void a_string_of_ten_megabytes_is_text() {
    String body = "{\"model\":\"m\",\"prompt\":\"" + "x".repeat(10_000_000) + "\"}";
    assertEquals(10_000_001, facts(body).textBytes());
    bad(body.substring(0, body.length() - 2));
  }

  /** As encoding/json of Go compares names: its readers would take another model. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"MODEL\":\"b\"",
        "\"Model\":\"b\"",
        "\"mo\\u0044el\":\"b\"",
        "\"\\u004dODEL\":\"b\"",
        "\"Stream\":true",
        "\"\u017ftream\":true",
        "\"\\u017ftream\":true",
        "\"STREAM_OPTIONS\":{}",
        "\"Max_Tokens\":9",
        "\"max_to\u212aens\":9",
        "\"max_to\\u212Aens\":9",
        "\"max_to\u212aen\u017f\":9",
        "\"MAX_COMPLETION_TO\u212aEN\u017f\":9",
        "\"MAX_COMPLETION_TO\\u212aEN\\u017F\":9",
        "\"max_output_tokenS\":9",
        "\"Service_Tier\":\"flex\"",
        "\"\u017fpeed\":\"fast\""
      })
  void a_member_that_equals_another_but_for_case_is_refused(String member) {
    for (String body :
        List.of(
            "{" + member + "}",
            "{\"model\":\"a\"," + member + "}",
            "{" + member + ",\"model\":\"a\"}")) {
      BadRequest refused = bad(body);
      assertTrue(refused.message().contains("in lower case"), refused.message());
    }
    facts("{\"model\":\"a\",\"metadata\":{" + member + "}}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model_",
        "model s",
        "modell",
        "mode",
        "m\u00f6del",
        "max-tokens",
        "max\u007ftokens",
        "Max_Token",
        "\u0130nput",
        "max_to\u00e2\u0084ens",
        "Messages",
        "STREA",
        "stream\u017f",
        "\\u017f",
        ""
      })
  void other_names_pass(String name) {
    facts("{\"model\":\"a\",\"" + name + "\":1}");
  }
}
