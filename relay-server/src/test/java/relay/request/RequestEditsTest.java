package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static relay.request.RequestScannerAgainstJacksonTest.jackson;
import static relay.request.Scans.facts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RequestEditsTest {

  @Test
  void only_the_models_value_changes() {
    assertEdit(
        "{ \"x\" : 1, \"model\" :\t\"new\" , \"y\":[ ] } ",
        "{ \"x\" : 1, \"model\" :\t\"old-name\" , \"y\":[ ] } ",
        "new",
        false);
    assertEdit("{\"model\":\"a\\\"\\\\\\né\"}", "{\"model\":\"m\"}", "a\"\\\né", false);
  }

  @Test
  void include_usage_is_added_if_missing() {
    assertEdit(
        "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\"}",
        "{\"model\":\"m\"}",
        null,
        true);
    assertEdit(
        " {\"stream_options\":{\"include_usage\":true}, \"model\":\"m\"}",
        " { \"model\":\"m\"}",
        null,
        true);
    assertEdit(
        "{\"model\":\"m\",\"stream_options\": {\"include_usage\":true}}",
        "{\"model\":\"m\",\"stream_options\": {}}",
        null,
        true);
    assertEdit(
        "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true\n}}",
        "{\"model\":\"m\",\"stream_options\":{\n}}",
        null,
        true);
    assertEdit(
        "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true, \"a\":1}}",
        "{\"model\":\"m\",\"stream_options\":{ \"a\":1}}",
        null,
        true);
    assertEdit(
        "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true}}",
        "{\"model\":\"m\",\"stream_options\":null}",
        null,
        true);
  }

  @Test
  void include_usage_is_turned_on_if_off() {
    assertEdit(
        "{\"stream_options\":{\"a\":1,\"include_usage\": true },\"model\":\"m\"}",
        "{\"stream_options\":{\"a\":1,\"include_usage\": false },\"model\":\"m\"}",
        null,
        true);
    assertEdit(
        "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\"}",
        "{\"stream_options\":{\"include_usage\":null},\"model\":\"m\"}",
        null,
        true);
    assertEdit(
        "{\"stream_options\":{ \"include_usage\" : true},\"model\":\"m\"}",
        "{\"stream_options\":{ \"include_usage\" : true},\"model\":\"m\"}",
        null,
        true);
  }

  @Test
  void both_changes_go_together_in_either_order() {
    assertEdit(
        "{\"model\":\"longer\",\"stream_options\":{\"include_usage\":true}}",
        "{\"model\":\"m\",\"stream_options\":{}}",
        "longer",
        true);
    assertEdit(
        "{\"stream_options\":{\"include_usage\":true},\"model\":\"n\"}",
        "{\"stream_options\":{},\"model\":\"longer\"}",
        "n",
        true);
    assertEdit(
        "{\"stream_options\":{\"include_usage\":true},\"model\":\"n\"}",
        "{\"model\":\"m\"}",
        "n",
        true);
    assertEdit("{\"model\":\"m\"}", "{\"model\":\"m\"}", null, false);
  }

  @Test
  void an_edited_random_request_differs_only_by_the_change() {
    for (int seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      byte[] request = new RandomJson(random).request();
      byte[] body = Arrays.copyOf(request, request.length + random.nextInt(3)); // a larger buffer
      RequestFacts facts =
          assertInstanceOf(RequestFacts.class, RequestScanner.scan(body, request.length));

      ObjectNode expected = assertInstanceOf(ObjectNode.class, jackson(request));
      JsonNode options = expected.get("stream_options");
      ObjectNode wanted =
          options instanceof ObjectNode object ? object : expected.putObject("stream_options");
      wanted.set("include_usage", BooleanNode.TRUE);
      assertEquals(expected, jackson(RequestEdits.edit(body, facts, null, true)), "seed " + seed);

      expected.put("model", "ne\"w");
      assertEquals(
          expected, jackson(RequestEdits.edit(body, facts, "ne\"w", true)), "seed " + seed);
    }
  }

  private static void assertEdit(
      String expected, String body, @Nullable String model, boolean includeUsage) {
    RequestFacts facts = facts(body);
    assertEquals(
        expected,
        new String(RequestEdits.edit(body.getBytes(UTF_8), facts, model, includeUsage), UTF_8));
  }
}
