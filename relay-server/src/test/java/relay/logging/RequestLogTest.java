package relay.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;
import relay.guards.Allocation;
import relay.guards.CostBound;

class RequestLogTest {
  private static final RequestLine LINE =
      new RequestLine(
          "req_1",
          "team-a",
          "anthropic",
          "acme-1",
          "claude-sonnet-5-5",
          "",
          "",
          200,
          "upstream",
          2,
          "",
          1_200,
          340,
          350_000,
          812_340_000,
          4_000_000_000L);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  @BeforeEach
  void configure() {
    Logging.configure(Level.INFO, Logging.Format.JSON, out);
  }

  @AfterEach
  void back_to_stderr() {
    Logging.configure(Level.INFO, Logging.Format.TEXT);
  }

  private String written() {
    Logging.flush();
    return out.toString(UTF_8);
  }

  @Test
  void a_line_is_an_object_with_a_member_for_each_fact() throws Exception {
    new RequestLog(1).write(LINE);
    JsonNode line = new ObjectMapper().readTree(written());
    assertEquals(
        "{\"level\":\"info\",\"logger\":\"relay.requests\",\"msg\":\"request\",\"request\":\"req_1\","
            + "\"client\":\"team-a\",\"provider\":\"anthropic\",\"key\":\"acme-1\","
            + "\"model\":\"claude-sonnet-5-5\",\"status\":200,\"origin\":\"upstream\",\"attempts\":2,"
            + "\"input_tokens\":1200,\"output_tokens\":340,\"wait_ms\":0.3,\"first_byte_ms\":812.3,"
            + "\"duration_ms\":4000.0}",
        line.toString().replaceFirst("\"ts\":\"[^\"]+\",", ""));
  }

  @Test
  void a_line_of_text_is_for_people() {
    Logging.configure(Level.INFO, Logging.Format.TEXT, out);
    new RequestLog(1).write(LINE);
    assertEquals(
        "INFO  requests: 200 upstream req_1 client=team-a provider=anthropic key=acme-1"
            + " model=claude-sonnet-5-5 attempts=2 tokens=1200+340 wait=0.3ms first_byte=812.3ms"
            + " duration=4000.0ms\n",
        written().substring("00:00:00.000 ".length()));
  }

  @Test
  void what_a_request_did_not_reach_is_absent() throws Exception {
    new RequestLog(1).write(RequestLine.refused("req_2", 404));
    JsonNode line = new ObjectMapper().readTree(written());
    assertEquals(404, line.get("status").intValue());
    for (String name : List.of("client", "provider", "key", "model")) {
      assertFalse(line.has(name), name);
    }
  }

  @Test
  void the_name_of_a_model_is_bounded_and_forges_no_line() {
    for (Logging.Format format : Logging.Format.values()) {
      Logging.configure(Level.INFO, format, out);
      String model = "a\nb\u001b[2J\"" + "x".repeat(100_000);
      new RequestLog(1)
          .write(
              new RequestLine("r", "", "", "", model, "", "", 404, "relay", 0, "", 0, 0, 0, 0, 0));
    }
    String lines = written();
    assertEquals(2, lines.lines().count());
    assertTrue(lines.length() < 1_500, () -> lines.length() + " characters");
    assertFalse(lines.contains("\u001b"));
  }

  /** What a client calls its model is one word of the line, whatever it holds. */
  @Test
  void a_name_forges_no_member_of_a_line_of_text() {
    Logging.configure(Level.INFO, Logging.Format.TEXT, out);
    String model =
        "x key=k9 \"tokens=0+0\" \\ \u2028\u202e\u200b\ufeff\u00a0\n"
            + "\u007f\ud800 \ud83d\ude00 \udb40\udc41";
    new RequestLog(1)
        .write(
            new RequestLine("r", "a b", "", "", model, "", "", 404, "relay", 0, "", 0, 0, 0, 0, 0));
    String line = written().strip();
    assertTrue(
        line.contains(
            " client=\"a b\" model=\"x key=k9 \\\"tokens=0+0\\\" \\\\"
                + " \\u2028\\u202e\\u200b\\ufeff\\u00a0\\n"
                + "\\u007f\\ud800 \ud83d\ude00 \\u{e0041}\" attempts=0"),
        line);
  }

  @Test
  void a_share_of_the_requests_and_every_failure_gets_a_line() {
    List<Double> drawn = new ArrayList<>(List.of(0.2, 0.3, 0.24, 0.9));
    RequestLog log = new RequestLog(0.25, drawn::removeFirst);
    assertEquals(
        List.of(true, false, true, false),
        List.of(log.takes(200), log.takes(200), log.takes(429), log.takes(404)));
    assertTrue(log.takes(502));
    assertTrue(drawn.isEmpty());
  }

  @Test
  void without_a_share_or_below_the_level_there_is_no_line() {
    assertFalse(new RequestLog(0).takes(500));
    RequestLog log = new RequestLog(1);
    assertTrue(log.takes(200));
    Logging.configure(Level.WARN, Logging.Format.JSON, out);
    assertFalse(log.takes(500));
  }

  @Test
  void a_line_costs_little_and_none_costs_nothing() {
    Logging.configure(Level.INFO, Logging.Format.JSON, OutputStream.nullOutputStream());
    RequestLog log = new RequestLog(1);
    CostBound.REQUEST_LINE.hold(
        Allocation.bytesPerCall(
            () -> {
              assertTrue(log.takes(200));
              log.write(LINE);
            }));
    RequestLog off = new RequestLog(0);
    assertEquals(0, Allocation.bytesPerCall(() -> assertFalse(off.takes(200))), 1);
  }
}
