package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/** Weights and priorities of clients, and the header that lowers a request's. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PrioritiesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final AtomicReference<@Nullable String> forwarded = new AtomicReference<>();
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            forwarded.set(request.header("x-relay-priority"));
            connection.write(Says.json(200, Says.answer(Dialect.ANTHROPIC)));
          });
  private final Replicas replicas =
      new Setup()
          .client("people", "priority: interactive")
          .client("team", "weight: 3")
          .client("other") // beside the client that every test has
          .provider(
              "p",
              Dialect.ANTHROPIC,
              provider,
              List.of(
                  "pooling: { affinity: none, headroom: { interactive: 0.4 } }",
                  "passthrough: true"),
              List.of(Setup.key("p-1", "rpm_limit: 20")))
          .start(1);

  PrioritiesTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(String client) {
    return Ask.of(Dialect.ANTHROPIC, "p").from(client);
  }

  private JsonNode usage(String client) throws Exception {
    Answer answer =
        RawClient.ask(replicas.port(0), ask(client).method("GET").target("/v1/relay/usage"));
    return JSON.readTree(answer.text());
  }

  @Test
  void a_request_may_lower_its_priority_and_never_raise_it() throws Exception {
    Answer unknown =
        RawClient.ask(replicas.port(0), ask("people").header("x-relay-priority: high"));
    assertEquals(400, unknown.status(), unknown.toString());
    Ask passing = ask("people").method("GET").target("/v1/files").header("x-relay-priority: high");
    assertEquals(400, RawClient.ask(replicas.port(0), passing).status());

    int lowered = 0; // these leave room for the others
    Answer answer =
        RawClient.ask(replicas.port(0), ask("people").header("x-relay-priority: batch"));
    while (answer.status() == 200) {
      lowered++;
      answer = RawClient.ask(replicas.port(0), ask("people").header("x-relay-priority: batch"));
    }
    assertNull(forwarded.get(), "the header is Relay's");
    assertEquals(429, answer.status(), answer.toString());
    assertTrue(lowered > 0 && lowered < 10, lowered + " lowered");
    Answer raised =
        RawClient.ask(replicas.port(0), ask("team").header("x-relay-priority: interactive"));
    assertEquals(429, raised.status(), raised.toString());
    assertEquals(200, RawClient.ask(replicas.port(0), ask("people")).status());
  }

  @Test
  void a_client_sees_its_share_and_priority() throws Exception {
    assertEquals(0.6, usage("team").get("share").asDouble());
    assertEquals("standard", usage("team").get("priority").asText());
    assertEquals(1, usage("people").get("share").asDouble());
    assertEquals("interactive", usage("people").get("priority").asText());
  }
}
