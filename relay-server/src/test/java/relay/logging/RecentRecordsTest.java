package relay.logging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

/** What an operator gets of the last log records. */
final class RecentRecordsTest {
  private final RecentRecords recent = new RecentRecords();

  private void event(String message) {
    LogRecord record = new LogRecord(Level.WARNING, message);
    record.setLoggerName("relay.Replica");
    recent.publish(record);
  }

  private void request(String id, int status, String broken, String model) {
    LogRecord record = new LogRecord(Level.INFO, "request");
    record.setLoggerName("relay.requests");
    record.setParameters(
        new Object[] {
          new RequestLine(
              id, "c", "p", "k", model, "", "", status, "relay", 1, broken, 1, 2, 3, 4, 5)
        });
    recent.publish(record);
  }

  private JsonNode events() throws IOException {
    return new ObjectMapper().readTree(recent.eventList()).get("events");
  }

  private JsonNode requests(boolean failedOnly) throws IOException {
    return new ObjectMapper().readTree(recent.requestList(failedOnly)).get("requests");
  }

  @Test
  void events_and_requests_are_apart_and_in_order() throws IOException {
    assertEquals(0, events().size());
    event("Redis is \"away\"\n");
    request("r1", 200, "", "m");
    event("Redis is up");
    JsonNode events = events();
    assertEquals(2, events.size());
    assertEquals("Redis is \"away\"\n", events.get(0).get("msg").asText());
    assertEquals("warn", events.get(0).get("level").asText());
    assertTrue(events.get(0).get("number").asLong() < events.get(1).get("number").asLong());
    JsonNode request = requests(false).get(0);
    assertEquals("r1", request.get("request").asText());
    assertEquals(200, request.get("status").asInt());
  }

  @Test
  void failed_requests_are_found_among_many_others() throws IOException {
    request("r1", 429, "", "m");
    request("r2", 200, "the connection broke", "m");
    for (int n = 0; n < 1_000; n++) {
      request("ok" + n, 200, "", "m");
    }
    assertEquals(200, requests(false).size());
    assertEquals("ok999", requests(false).get(199).get("request").asText());
    assertEquals(2, requests(true).size());
    assertEquals("r2", requests(true).get(1).get("request").asText());
  }

  @Test
  void a_long_name_of_a_model_is_not_kept() throws IOException {
    request("r1", 404, "", "m".repeat(1_000_000));
    assertFalse(requests(true).toString().length() > 2_000);
  }
}
