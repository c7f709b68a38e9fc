package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/**
 * Providers that know what an account made only with a key of this account, behind three replicas.
 *
 * <p>"previous_response_id", "conversation" and "encrypted_content" belong to the organisation that
 * made them: "Conversation state" and "Reasoning models", developers.openai.com; "Files are scoped
 * to the workspace of the API key": "Files API", platform.claude.com; both read November 27, 2026.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PinnedStatesTest {
  private static final Pattern NAMED =
      Pattern.compile("\"(?:previous_response_id|input_file_id|file_id|container)\":\"([^\"]+)\"");
  private static final Pattern ENCRYPTED = Pattern.compile("\"encrypted_content\":\"([^\"]+)\"");
  private static final Pattern IN_PATH = Pattern.compile("/v1/\\w+/([a-z]+[-_]\\w+)");
  private static final Pattern ID = Pattern.compile("\"id\":\"([^\"]+)\"");

  private final AtomicInteger made = new AtomicInteger();
  private final Map<String, String> owners = new ConcurrentHashMap<>(); // key by id
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas =
      new Setup()
          .provider("first", Dialect.OPENAI, provider, settings(), keys("a", "b", "c"))
          .provider("second", Dialect.OPENAI, provider, settings(), keys("d", "e"))
          .provider("third", Dialect.OPENAI, provider, settings("other"), keys("f", "g"))
          .provider("claude", Dialect.ANTHROPIC, provider, settings(), keys("x", "y", "z"))
          .start(3);

  PinnedStatesTest() throws Exception {}

  private static List<String> settings() {
    return settings("gpt, claude");
  }

  private static List<String> settings(String models) {
    return List.of(
        "models: [" + models + "]",
        "passthrough: true",
        "pooling: { affinity: none, strategy: round_robin, window_ms: 3600000 }");
  }

  private static List<String> keys(String... ids) {
    return Stream.of(ids).map(id -> Setup.key(id, "rpm_limit: 40")).toList();
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** 404 to a key that does not know what the request names. */
  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    for (Pattern pattern : List.of(NAMED, ENCRYPTED)) {
      Matcher named = pattern.matcher(request.text());
      while (named.find()) {
        if (!request.key().equals(owners.get(named.group(1)))) {
          connection.write(Says.json(404, "{\"error\":{\"message\":\"not found\"}}"));
          return;
        }
      }
    }
    Matcher path = IN_PATH.matcher(request.line());
    if (path.find()) {
      boolean known = request.key().equals(owners.get(path.group(1)));
      connection.write(Says.json(known ? 200 : 404, "{\"id\":\"" + path.group(1) + "\"}"));
    } else if (request.line().contains("/v1/responses")) {
      String id = make("resp", request);
      String secret = make("gAAAAABsecret", request);
      String whole =
          """
          {"id":"%s","object":"response","output":[{"type":"reasoning","encrypted_content":"%s"}],\
          "usage":{"input_tokens":7,"output_tokens":3}}\
          """
              .formatted(id, secret);
      if (request.text().contains("\"stream\":true")) {
        connection.write(Says.STREAM);
        connection.chunk(
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"%s\"}}\n\n"
                .formatted(id));
        connection.chunk(
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":%s}\n\n"
                .formatted(whole));
        connection.chunk("");
      } else {
        connection.write(Says.json(200, whole));
      }
    } else if (request.line().contains("/v1/messages ")) {
      connection.write(
          Says.json(
              200,
              """
              {"id":"msg_1","type":"message","content":[],"container":{"id":"%s"},\
              "usage":{"input_tokens":7,"output_tokens":3}}\
              """
                  .formatted(make("container", request))));
    } else {
      String kind = request.line().contains("batches") ? "batch" : "file";
      connection.write(Says.json(200, "{\"id\": \"" + make(kind, request) + "\"}"));
    }
  }

  private String make(String kind, RawProvider.Received request) {
    String id = kind + "_" + made.incrementAndGet() + "abc";
    owners.put(id, request.key());
    return id;
  }

  private static String id(Answer answer) {
    assertEquals(200, answer.status(), answer.toString());
    Matcher found = ID.matcher(answer.text().replace("\": \"", "\":\""));
    assertTrue(found.find(), answer.text());
    return found.group(1);
  }

  private Answer ask(int replica, Ask ask) throws Exception {
    return RawClient.ask(replicas.port(replica % 3), ask);
  }

  private static Ask responses(String members) {
    return Ask.of(Dialect.OPENAI, "gpt")
        .target("/v1/responses")
        .body("{\"model\":\"gpt\"," + members + "\"input\":\"Hello\"}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"stream\":true,"})
  void a_stored_answer_is_continued_where_it_was_made(String stream) throws Exception {
    String id = id(ask(0, responses(stream)));
    for (int turn = 1; turn < 5; turn++) {
      id = id(ask(turn, responses(stream + "\"previous_response_id\":\"" + id + "\",")));
    }
  }

  @Test
  void encrypted_reasoning_goes_back_to_its_account() throws Exception {
    for (int turn = 0; turn < 4; turn++) {
      Answer first = ask(turn, responses("\"store\":false,"));
      Matcher secret = ENCRYPTED.matcher(first.text());
      assertTrue(secret.find(), first.text());
      String input =
          "{\"model\":\"gpt\",\"input\":[{\"type\":\"reasoning\",\"encrypted_content\":\"%s\"}]}"
              .formatted(secret.group(1));
      assertEquals(200, ask(turn + 1, responses("").body(input)).status());
    }
  }

  @Test
  void files_and_batches_are_found_by_any_replica() throws Exception {
    for (int n = 0; n < 4; n++) {
      String file = id(ask(n, responses("").target("/v1/files").body("any bytes")));
      String batch =
          id(
              ask(
                  n + 1,
                  responses("")
                      .target("/v1/batches")
                      .body("{\"input_file_id\":\"" + file + "\"}")));
      assertEquals(owners.get(file), owners.get(batch));
      for (String path : List.of("/v1/files/" + file, "/v1/batches/" + batch)) {
        Answer found = ask(n + 2, responses("").method("GET").target(path).contentType(""));
        assertEquals(200, found.status(), path);
      }
    }
  }

  /** A request by the path goes to the first provider of all, unless another made what it names. */
  @Test
  void a_stored_answer_of_a_later_provider_is_found_by_its_path() throws Exception {
    for (int n = 0; n < 4; n++) {
      Ask make = responses("");
      String id = id(ask(n, make.body("{\"model\":\"other\",\"input\":\"Hello\"}")));
      Ask get = responses("").method("GET").target("/v1/responses/" + id).contentType("");
      assertEquals(200, ask(n + 1, get).status());
      Ask cancel = responses("").target("/v1/responses/" + id + "/cancel").body("{}");
      assertEquals(200, ask(n + 2, cancel).status());
    }
  }

  @Test
  void a_container_of_a_code_execution_is_used_again() throws Exception {
    String tool = "\"tools\":[{\"type\":\"code_execution_20250825\",\"name\":\"code_execution\"}],";
    Ask begin = Ask.of(Dialect.ANTHROPIC, "claude").body(Ask.body("claude", tool));
    Matcher container = Pattern.compile("container_\\w+").matcher(ask(0, begin).text());
    assertTrue(container.find());
    for (int turn = 1; turn < 5; turn++) {
      Ask next =
          Ask.of(Dialect.ANTHROPIC, "claude")
              .body(Ask.body("claude", "\"container\":\"" + container.group() + "\","));
      assertEquals(200, ask(turn, next).status());
    }
  }

  /** The account has no room: the client is told when it has, and no other account is asked. */
  @Test
  void a_full_account_is_waited_for() throws Exception {
    String id = id(ask(0, responses("\"metadata\":{},")));
    String key = String.valueOf(owners.get(id));
    int asked = 0;
    Answer answer;
    do {
      answer = ask(asked++, responses("\"previous_response_id\":\"" + id + "\","));
    } while (answer.status() == 200);
    assertEquals(429, answer.status(), answer.toString());
    assertNotNull(answer.header("retry-after-ms"));
    Answer again = ask(asked, responses("\"previous_response_id\":\"" + id + "\","));
    assertEquals(429, again.status(), again.toString());
    assertEquals(200, ask(asked, responses("")).status(), "others have room");
    assertTrue(asked > 10, "it had room for most of forty: " + asked);
    assertFalse(
        provider.received().stream()
            .filter(request -> request.text().contains("\"" + id + "\""))
            .anyMatch(request -> !request.key().equals(key)),
        "no other account was asked");
  }
}
