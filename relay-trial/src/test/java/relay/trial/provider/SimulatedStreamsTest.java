package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.provider.ProviderSimulator.Dimension;

@Tag("slow")
@Timeout(30)
class SimulatedStreamsTest extends SimulatorFixture {
  @Test
  void an_anthropic_stream_has_every_event_in_order_with_its_name() throws Exception {
    String body =
        post(ANTHROPIC, "secret-a1", true, "x-sim-events", "2", "x-sim-output-tokens", "31").body();
    List<String> names = new ArrayList<>();
    JsonNode last = JSON.createObjectNode();
    for (String event : body.split("\n\n", -1)) {
      if (!event.isEmpty()) {
        String[] lines = event.split("\n", -1);
        assertEquals(2, lines.length);
        last = JSON.readTree(lines[1].substring("data: ".length()));
        assertEquals("event: " + last.at("/type").asText(), lines[0]);
        names.add(last.at("/type").asText());
        if (last.at("/type").asText().equals("message_start")) {
          assertEquals(10, last.at("/message/usage/input_tokens").asLong());
        } else if (last.at("/type").asText().equals("message_delta")) {
          assertEquals(31, last.at("/usage/output_tokens").asLong());
        }
      }
    }
    assertEquals(
        List.of(
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"),
        names);
    assertEquals(31, simulator.charged("a", Dimension.OUTPUT_TOKENS, 0, Long.MAX_VALUE));
  }

  @Test
  void an_openai_stream_has_usage_only_where_it_was_asked_for() throws Exception {
    String without = post(OPENAI, "secret-b", true, "x-sim-events", "3").body();
    assertFalse(without.contains("usage"));
    assertTrue(without.endsWith("\n\ndata: [DONE]\n\n"));
    String with =
        send(
                OPENAI,
                "secret-b",
                "{\"model\":\"gpt\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
                "x-sim-events",
                "3")
            .body();
    String[] events = with.split("\n\n", -1);
    assertEquals(1 + 3 + 1 + 1 + 1 + 1, events.length); // the last one is what follows [DONE]
    assertTrue(JSON.readTree(events[2].substring(6)).at("/usage").isNull());
    JsonNode usage = JSON.readTree(events[5].substring(6));
    assertTrue(usage.at("/choices").isEmpty());
    assertEquals(20, usage.at("/usage/completion_tokens").asLong());
  }

  @Test
  void a_gate_holds_each_event_until_it_is_released_also_under_gzip() throws Exception {
    for (String gzip : List.of("0", "1")) {
      String gate = "gate-" + gzip;
      HttpRequest.Builder request = request(ANTHROPIC, "secret-a1", body(true), "x-sim-gate", gate);
      if (gzip.equals("1")) {
        request.header("x-sim-gzip", "1").header("accept-encoding", "gzip");
      }
      HttpResponse<InputStream> response =
          client.send(request.build(), BodyHandlers.ofInputStream());
      InputStream raw = response.body();
      InputStream plain = gzip.equals("1") ? new GZIPInputStream(raw) : raw;
      assertEquals("event: message_start", line(plain));
      line(plain);
      line(plain);
      assertEquals(0, raw.available(), "nothing goes out unreleased");
      simulator.release(gate, 1);
      assertEquals("event: content_block_start", line(plain));
      simulator.release(gate, 1000);
      String rest = new String(plain.readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(rest.endsWith("data: {\"type\":\"message_stop\"}\n\n"), rest);
    }
  }

  @Test
  void a_paced_stream_takes_its_time() throws Exception {
    long start = System.nanoTime();
    post(ANTHROPIC, "secret-a1", true, "x-sim-events", "4", "x-sim-event-interval-ms", "20");
    long tookMs = (System.nanoTime() - start) / 1_000_000;
    assertTrue(tookMs >= 9 * 20, "ten events, nine pauses; took " + tookMs);
  }

  @Test
  void a_stream_of_responses_numbers_its_events_and_ends_with_usage() throws Exception {
    String body =
        send(RESPONSES, "secret-b", body(true), "x-sim-events", "2", "x-sim-output-tokens", "9")
            .body();
    List<String> types = new ArrayList<>();
    JsonNode last = JSON.createObjectNode();
    for (String event : body.split("\n\n", -1)) {
      if (!event.isEmpty()) {
        last = JSON.readTree(event.substring(event.indexOf('{')));
        assertTrue(event.startsWith("event: " + last.at("/type").asText() + "\ndata: {"), event);
        assertEquals(types.size(), last.at("/sequence_number").asInt());
        types.add(last.at("/type").asText().substring("response.".length()));
      }
    }
    assertEquals(
        List.of(
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"),
        types);
    assertEquals(10, last.at("/response/usage/input_tokens").asLong());
    assertEquals(9, last.at("/response/usage/output_tokens").asLong());
    assertEquals(9, simulator.charged("b", Dimension.OUTPUT_TOKENS, 0, Long.MAX_VALUE));
  }

  /** Byte by byte: a Reader over gzip waits for more than the line that it was asked for. */
  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n' && c >= 0; c = in.read()) {
      line.append((char) c);
    }
    return line.toString();
  }
}
