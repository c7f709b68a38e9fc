package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

@Timeout(30)
class SimulatedToolTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ANTHROPIC = "/v1/messages";
  private static final String OPENAI = "/v1/chat/completions";
  private static final String RESPONSES = "/v1/responses";
  private static final String INPUT = "{\"city\":\"Oslo\"}";

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ProviderSimulator simulator =
      ProviderSimulator.start(
          Settings.of(Duration.ofSeconds(10), new Account("a", List.of("secret"), 0, 0, 0, 0)));

  @AfterEach
  void stop() {
    client.shutdownNow();
    simulator.close();
  }

  @Test
  void a_scripted_tool_is_called_in_every_dialect_also_in_streams() throws Exception {
    String anthropic = "\"messages\":[],\"tools\":[{\"name\":\"other\"},{\"name\":\"look\"}]";
    String chat = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"}}]";
    String responses = "\"input\":\"hi\",\"tools\":[{\"type\":\"function\",\"name\":\"look\"}]";

    JsonNode message = JSON.readTree(called(ANTHROPIC, false, anthropic));
    assertEquals("tool_use", message.at("/stop_reason").asText());
    assertEquals("tool_use", message.at("/content/0/type").asText());
    assertEquals("look", message.at("/content/0/name").asText());
    assertEquals("Oslo", message.at("/content/0/input/city").asText());
    JsonNode choice = JSON.readTree(called(OPENAI, false, chat)).at("/choices/0");
    assertEquals("tool_calls", choice.at("/finish_reason").asText());
    JsonNode function = choice.at("/message/tool_calls/0/function");
    assertEquals("look", function.at("/name").asText());
    assertEquals(INPUT, function.at("/arguments").asText());
    JsonNode item = JSON.readTree(called(RESPONSES, false, responses)).at("/output/0");
    assertEquals("function_call", item.at("/type").asText());
    assertEquals(INPUT, item.at("/arguments").asText());

    String events = called(ANTHROPIC, true, anthropic);
    assertEquals(INPUT, joined(events, "/delta/partial_json"));
    assertEquals("look", joined(events, "/content_block/name"));
    assertEquals("tool_use", joined(events, "/delta/stop_reason"));
    events = called(OPENAI, true, chat);
    assertEquals(INPUT, joined(events, "/choices/0/delta/tool_calls/0/function/arguments"));
    assertEquals("look", joined(events, "/choices/0/delta/tool_calls/0/function/name"));
    assertTrue(events.contains("\"finish_reason\":\"tool_calls\""), events);
    events = called(RESPONSES, true, responses);
    assertEquals(INPUT, joined(events, "/delta"));
    assertEquals(INPUT, joined(events, "/arguments"));
    assertEquals(INPUT, joined(events, "/response/output/0/arguments"));
    assertEquals("look", joined(events, "/response/output/0/name"));
    assertEquals(
        "012345678910", joined(events, "/sequence_number"), "five pieces, three before and after");
  }

  @Test
  void a_tool_is_not_called_that_is_not_offered_or_has_answered() throws Exception {
    String tools = "\"tools\":[{\"name\":\"look\"}]";
    for (String members :
        List.of(
            "\"tools\":[{\"name\":\"other\"}]",
            "\"tools\":[],\"messages\":[{\"name\":\"look\"}]",
            tools + ",\"messages\":[{\"content\":[{\"type\":\"tool_result\"}]}]",
            tools + ",\"messages\":[{\"role\":\"tool\"}]",
            "\"input\":[{\"type\":\"function_call_output\"}]," + tools)) {
      String answer = called(RESPONSES, false, members);
      assertTrue(answer.contains("A simulated answer."), answer);
    }
  }

  private String called(String path, boolean stream, String members) throws Exception {
    String body = "{\"model\":\"m\",\"stream\":" + stream + "," + members + "}";
    HttpRequest request =
        HttpRequest.newBuilder(simulator.url().resolve(path))
            .header("x-api-key", "secret")
            .header("x-sim-tool", "look")
            .header("x-sim-tool-input", INPUT)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    return answer.body();
  }

  /** What the events of a stream have at {@code pointer}, one after another. */
  private static String joined(String events, String pointer) throws IOException {
    StringBuilder joined = new StringBuilder();
    for (String event : events.split("\n\n", -1)) {
      if (event.contains("data: {")) {
        joined.append(JSON.readTree(event.substring(event.indexOf('{'))).at(pointer).asText(""));
      }
    }
    return joined.toString();
  }
}
