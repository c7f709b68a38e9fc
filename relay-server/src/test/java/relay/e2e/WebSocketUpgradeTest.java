package relay.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/** Clients that ask for a WebSocket are told at once that there is none. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WebSocketUpgradeTest {
  private static final String HANDSHAKE =
      "connection: Upgrade\r\n"
          + "upgrade: websocket\r\n"
          + "sec-websocket-version: 13\r\n"
          + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

  private final RawProvider provider =
      new RawProvider((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  WebSocketUpgradeTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer ask(String head) throws Exception {
    try (RawClient client = new RawClient(replicas.port(0))) {
      Answer answer = client.send((head + "\r\n").getBytes(US_ASCII)).answer();
      assertEquals("", client.rest().text(), "the connection is closed");
      return answer;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/responses, OPENAI, ''",
    "/v1/realtime?model=gpt-realtime, OPENAI, ''",
    "/v1/chat/completions, OPENAI, ''",
    "/v1/nothing, OPENAI, ''",
    "/v1/models, ANTHROPIC, 'anthropic-version: 2023-06-01'",
    "/v1/messages, ANTHROPIC, ''",
  })
  void an_upgrade_below_v1_is_refused_with_426(String target, Dialect dialect, String line)
      throws Exception {
    for (String credential : new String[] {"", "authorization: Bearer wrong\r\n"}) {
      Answer answer =
          ask(
              "GET "
                  + target
                  + " HTTP/1.1\r\nhost: a\r\n"
                  + HANDSHAKE
                  + credential
                  + (line.isEmpty() ? "" : line + "\r\n"));
      String message = Errors.relays(answer, dialect, 426, "invalid_request_error");
      assertTrue(message.contains("HTTP"), message);
      assertEquals("websocket", answer.header("upgrade"));
      assertEquals("close", answer.header("connection"));
    }
    assertTrue(
        replicas.metric(
                0,
                "relay_requests_total{model=\"other\",origin=\"relay\",provider=\"none\",status=\"426\"}")
            > 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
        "upgrade: websocket\r\n",
        "connection: Upgrade\r\nupgrade: websocket\r\n",
        "connection: Upgrade\r\nupgrade: websockets\r\n"
      })
  void other_upgrades_are_ignored(String lines) throws Exception {
    String body = Ask.body("anthropic", "");
    String head =
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: "
            + Ask.CLIENT_KEY
            + "\r\ncontent-type: application/json\r\ncontent-length: "
            + body.length()
            + "\r\n";
    try (RawClient client = new RawClient(replicas.port(0))) {
      Answer answer = client.send((head + lines + "\r\n" + body).getBytes(US_ASCII)).answer();
      assertEquals(200, answer.status());
      assertNull(answer.header("upgrade"));
    }
  }
}
