package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/**
 * Conversations that a client has through the proxy and by leases. Without a session, each request
 * gets another key than the one before.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeaseSessionsTest {
  private static final int SESSIONS = 8;
  private static final String HEADER = "header";

  private final AtomicInteger made = new AtomicInteger();
  private final RawProvider provider =
      new RawProvider((_, connection) -> connection.write(Says.json(200, answer())));
  private final Replicas replicas =
      new Setup()
          .client("worker", "leases: true")
          .client("other", "leases: true")
          .provider(
              "p",
              Dialect.OPENAI,
              provider.url(),
              List.of("pooling: { affinity: session, strategy: round_robin }"),
              List.of(Setup.key("p-1"), Setup.key("p-2"), Setup.key("p-3")))
          .start(2);
  private final LeaseWorkers workers = new LeaseWorkers(replicas);

  LeaseSessionsTest() throws Exception {}

  private String answer() {
    return "{\"id\":\"resp_%dabc\",\"object\":\"response\",\"output\":[],\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}"
        .formatted(made.incrementAndGet());
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** The key of a request that names its session in a header, or as the key of the prompt cache. */
  private String proxied(String client, String where, String session) throws IOException {
    Ask ask = Ask.of(Dialect.OPENAI, "p").from(client);
    if (where.equals(HEADER)) {
      ask.header("x-claude-code-session-id: " + session);
    } else {
      ask.body(Ask.body("p", "\"prompt_cache_key\":\"" + session + "\","));
    }
    return key(ask);
  }

  private String key(Ask ask) throws IOException {
    Answer answer = RawClient.ask(workers.nextPort(), ask);
    assertEquals(200, answer.status(), answer::text);
    return String.valueOf(answer.header("x-relay-key"));
  }

  private String leased(String client, String more) throws IOException {
    JsonNode lease = workers.granted(client, "p", more);
    workers.settled(client, lease, 7, 3);
    return lease.get("key").asText();
  }

  private String inSession(String client, String session) throws IOException {
    return leased(client, ",\"session\":\"" + session + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {HEADER, "prompt_cache_key"})
  void a_lease_goes_where_the_requests_of_its_session_go(String where) throws Exception {
    Set<String> keys = new HashSet<>();
    for (int n = 0; n < SESSIONS; n++) {
      String key = proxied("worker", where, where + "-first-" + n);
      assertEquals(key, inSession("worker", where + "-first-" + n));
      assertEquals(key, proxied("worker", where, where + "-first-" + n));
      keys.add(key);
    }
    assertEquals(3, keys.size(), keys::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {HEADER, "prompt_cache_key"})
  void requests_go_where_the_leases_of_their_session_go(String where) throws Exception {
    Set<String> keys = new HashSet<>();
    for (int n = 0; n < SESSIONS; n++) {
      String key = inSession("worker", where + "-second-" + n);
      assertEquals(key, proxied("worker", where, where + "-second-" + n));
      assertEquals(key, inSession("worker", where + "-second-" + n));
      keys.add(key);
    }
    assertEquals(3, keys.size(), keys::toString);
  }

  @Test
  void leases_of_others_and_without_a_session_move_no_conversation() throws Exception {
    String key = proxied("worker", HEADER, "stays");
    Set<String> ofOthers = new HashSet<>();
    for (int n = 0; n < SESSIONS; n++) {
      leased("worker", "");
      leased("worker", ",\"avoid\":[\"" + key + "\"]");
      inSession("worker", "another-" + n);
      ofOthers.add(leased("other", ",\"session\":\"stays\",\"avoid\":[\"" + key + "\"]"));
      ofOthers.add(proxied("other", HEADER, "stays"));
      assertEquals(key, proxied("worker", HEADER, "stays"));
      assertEquals(key, inSession("worker", "stays"));
    }
    assertEquals(1, ofOthers.size(), "the other client has a session of this name, too");
    assertTrue(ofOthers.stream().noneMatch(key::equals));
  }

  /** Only the account that made it knows it, whatever leases do with the same conversation. */
  @Test
  void what_an_account_made_stays_there_although_leases_move_its_conversation() throws Exception {
    String body = "{\"model\":\"p\",\"input\":\"x\",\"prompt_cache_key\":\"pinned\"%s}";
    Ask first = Ask.of(Dialect.OPENAI, "p").target("/v1/responses").from("worker");
    Answer answer = RawClient.ask(workers.nextPort(), first.body(body.formatted("")));
    assertEquals(200, answer.status(), answer::text);
    String key = String.valueOf(answer.header("x-relay-key"));
    String previous = ",\"previous_response_id\":" + answer.json().get("id");
    String moved = leased("worker", ",\"session\":\"pinned\",\"avoid\":[\"" + key + "\"]");
    assertNotEquals(key, moved);
    assertEquals(moved, inSession("worker", "pinned"), "the conversation is where it was last");
    Ask next = Ask.of(Dialect.OPENAI, "p").target("/v1/responses").from("worker");
    for (int n = 0; n < SESSIONS; n++) {
      assertEquals(key, key(next.body(body.formatted(previous))));
      leased("worker", "");
      leased("worker", ",\"session\":\"pinned\",\"avoid\":[\"" + key + "\"]");
    }
  }
}
