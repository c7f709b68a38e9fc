package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.SessionId;

class SessionTest {
  private static final String FIRST =
      """
      {"model": "m", "system": "Be brief.", "tools": [{"name": "ls", "input_schema": {"type": "object"}}],
       "messages": [{"role": "user", "content": "Fix the build."}]}
      """;

  static String session(String body) {
    byte[] bytes = body.getBytes(UTF_8);
    return assertInstanceOf(
            RequestFacts.class, RequestScanner.scanWithSession(bytes, bytes.length), body)
        .session();
  }

  static Stream<String> laterTurns() {
    return Stream.of(
        FIRST,
        FIRST.replace(
            "build.\"}",
            "build.\"}, {\"role\": \"assistant\", \"content\": \"Done.\"},"
                + " {\"role\": \"user\", \"content\": \"Thanks.\"}"),
        // compact JSON, other settings, another model, role after content
        FIRST.replace(": ", ":").replace("{\"model\":\"m\"", "{\"temperature\":1,\"model\":\"n\""),
        FIRST.replace(
            "{\"role\": \"user\", \"content\": \"Fix the build.\"}",
            "{\"content\": \"Fix the build.\", \"role\": \"user\"},"
                + " {\"content\": \"Done.\", \"role\": \"assistant\"}"),
        // the cache marker has moved
        FIRST.replace(
            "\"content\": \"Fix the build.\"",
            "\"content\": [{\"type\": \"text\", \"text\": \"Fix the build.\","
                + " \"cache_control\": {\"type\": \"ephemeral\", \"ttl\": \"1h\"}}]"));
  }

  @ParameterizedTest
  @MethodSource("laterTurns")
  void later_turns_have_the_same_session(String body) {
    assertEquals(session(FIRST), session(body));
    assertTrue(session(body).matches("[0-9a-f]{32}"), session(body));
  }

  static Stream<String> others() {
    return Stream.of(
        FIRST.replace("brief", "short"),
        FIRST.replace("Fix", "Run"),
        FIRST.replace("\"ls\"", "\"cat\""));
  }

  @ParameterizedTest
  @MethodSource("others")
  void other_conversations_have_other_sessions(String body) {
    assertNotEquals(session(FIRST), session(body));
  }

  @Test
  void a_stated_cache_key_is_used_but_not_shown() {
    String one =
        "{\"model\":\"m\",\"prompt_cache_key\":\"alice@x\",\"messages\":[{\"role\":\"user\"}]}";
    String two = "{\"model\":\"m\",\"system\":\"x\",\"prompt_cache_key\":\"alice@x\"}";
    assertEquals(session(one), session(two));
    assertNotEquals(session(one), session(two.replace("alice", "bob")));
    assertTrue(session(one).matches("[0-9a-f]{32}"), session(one));
  }

  /** A session of Claude Code sends one user_id for all its agents. */
  @ParameterizedTest
  @ValueSource(strings = {"\"metadata\": {\"user_id\": \"alice@x\"}", "\"user\": \"alice@x\""})
  void conversations_of_one_user_are_apart_and_so_are_users(String stated) {
    String one = "{\"model\":\"m\",\"system\":\"x\"," + stated + "}";
    assertEquals(session(one), session("{" + stated + ",\"system\":\"x\",\"model\":\"m\"}"));
    assertNotEquals(session(one), session(one.replace("\"x\"", "\"y\"")));
    assertNotEquals(session(one), session(one.replace("alice", "bob")));
    assertTrue(session(one).matches("[0-9a-f]{32}"), session(one));
  }

  @Test
  void a_conversation_id_precedes_a_user_id() {
    String key = "{\"model\":\"m\",\"prompt_cache_key\":\"c\"}";
    assertEquals(
        session(key), session("{\"user\":\"u\",\"prompt_cache_key\":\"c\",\"model\":\"m\"}"));
    assertEquals(
        session(key), session("{\"prompt_cache_key\":\"c\",\"user\":\"u\",\"model\":\"m\"}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"model\":\"m\"}",
        "{\"model\":\"m\",\"metadata\":{\"user_id\":null},\"user\":7}",
        "{\"model\":\"m\",\"metadata\":{\"x\":{\"user_id\":\"deep\"}}}",
        "{\"model\":\"m\",\"prompt_cache_key\":\"\",\"input\":[1,2,3]}"
      })
  void some_requests_have_no_session(String body) {
    assertEquals("", session(body));
  }

  @Test
  void turns_of_the_chat_and_responses_apis_are_recognized() {
    String chat =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
            + "{\"role\":\"user\",\"content\":\"hi\"}%s]}";
    assertEquals(
        session(chat.formatted("")),
        session(chat.formatted(",{\"role\":\"assistant\",\"content\":\"x\"}")));
    assertNotEquals(session(chat.formatted("")), session(chat.replace("hi", "ho").formatted("")));
    String responses =
        "{\"model\":\"m\",\"instructions\":\"s\",\"input\":[{\"role\":\"user\",\"content\":"
            + "[{\"type\":\"input_text\",\"text\":\"hi\"}]}%s]}";
    assertEquals(
        session(responses.formatted("")),
        session(responses.formatted(",{\"type\":\"reasoning\",\"id\":\"r\"}")));
    assertNotEquals(
        session("{\"model\":\"m\",\"input\":\"hi\"}"),
        session("{\"model\":\"m\",\"input\":\"ho\"}"));
  }

  @Test
  void a_long_string_counts_by_its_ends_and_length() {
    String line = "x".repeat(SessionId.WHOLE_BYTES);
    String body = "{\"model\":\"m\",\"system\":\"a" + line + "b\"}";
    assertNotEquals(session(body), session(body.replace("a" + line, "c" + line)));
    assertNotEquals(session(body), session(body.replace(line + "b", line + "c")));
    assertNotEquals(session(body), session(body.replace(line, line + "x")));
    assertEquals(session(body), session(body));
  }

  @Test
  void the_session_is_derived_only_on_request() {
    assertEquals("", Scans.facts(FIRST).session());
  }
}
