package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** Unknown paths with providers that have {@code passthrough: true}. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PassthroughPathsTest {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .http2()
          .server("max_body_bytes: 100000")
          .client("some", "models: [anthropic]")
          .client("none", "providers: [closed]")
          .provider("closed", Dialect.ANTHROPIC, provider.url(), Setup.key("x"))
          .provider(
              "anthropic",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of("passthrough: true"),
              List.of(Setup.key("a1", "rpm_limit: 1"), Setup.key("a2", "rpm_limit: 1")))
          .provider(
              "openai",
              Dialect.OPENAI,
              provider.url() + "/v1",
              List.of("passthrough: true"),
              List.of(Setup.key("o1", "rpm_limit: 1"), Setup.key("o2", "rpm_limit: 1")))
          .provider(
              "later",
              Dialect.OPENAI,
              provider.url(),
              List.of("passthrough: true"),
              List.of(Setup.key("l")))
          .start(1);

  PassthroughPathsTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  @BeforeEach
  void everyAnswerIsGood() {
    everyAnswerIs(Says.json(200, "{\"id\":\"file-1\"}"));
  }

  private void everyAnswerIs(String bytes) {
    provider.script((request, connection) -> connection.write(bytes));
  }

  private static Ask ask(Dialect dialect, String method, String target) {
    return Ask.of(dialect, "").method(method).target(target).contentType("").body("");
  }

  private Answer answer(Ask ask) throws Exception {
    return RawClient.ask(replicas.port(0), ask);
  }

  @ParameterizedTest
  @EnumSource
  void any_body_of_any_type_passes_and_nothing_is_counted(Dialect dialect) throws Exception {
    byte[] noise = new byte[90_000];
    new Random(3).nextBytes(noise);
    String pool = dialect == Dialect.ANTHROPIC ? "anthropic" : "openai";
    for (int n = 0; n < 6; n++) {
      Ask ask =
          ask(dialect, "POST", "/v1/files?purpose=a%20b&x")
              .contentType("content-type: multipart/form-data; boundary=zz")
              .header("content-encoding: gzip")
              .header("x-unknown: 1")
              .body(noise);
      Answer answer = answer(n % 2 == 0 ? ask : ask.chunked(7_001));
      assertEquals(200, answer.status(), answer.toString());
      assertEquals("{\"id\":\"file-1\"}", answer.text());
      assertEquals(pool, answer.header("x-relay-provider"));
      Received sent = provider.received().getLast();
      assertEquals("POST /v1/files?purpose=a%20b&x HTTP/1.1", sent.line());
      assertArrayEquals(noise, sent.body());
      assertEquals("multipart/form-data; boundary=zz", sent.header("content-type"));
      assertEquals("gzip", sent.header("content-encoding"));
      assertEquals("identity", sent.header("accept-encoding"));
      assertEquals("1", sent.header("x-unknown"));
      assertEquals(Setup.secret(String.valueOf(answer.header("x-relay-key"))), sent.key());
    }
    replicas.awaitLine(pool, pool.charAt(0) + "1/default", "rpm 0/1 itpm 0/- otpm 0/- inflight 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "DELETE", "PUT", "PATCH", "OPTIONS"})
  void every_method_passes(String method) throws Exception {
    Answer answer = answer(ask(Dialect.OPENAI, method, "/v1/batches/b:1/%C3%A9/cancel"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals(
        method + " /v1/batches/b:1/%C3%A9/cancel HTTP/1.1", provider.received().getLast().line());
  }

  @Test
  void a_path_of_relay_itself_never_reaches_a_provider() throws Exception {
    int before = provider.received().size();
    Answer answer = answer(ask(Dialect.OPENAI, "GET", "/v1/relay/usages"));
    Errors.relays(answer, Dialect.OPENAI, 404, "not_found_error");
    assertEquals(before, provider.received().size());
  }

  @Test
  void a_head_request_gets_the_length_without_a_body() throws Exception {
    everyAnswerIs("HTTP/1.1 200 OK\r\ncontent-length: 4711\r\nx-kind: pdf\r\n\r\n");
    try (RawClient wire = new RawClient(replicas.port(0))) {
      for (int n = 0; n < 3; n++) {
        wire.send(ask(Dialect.OPENAI, "HEAD", "/v1/files/1/content")).head();
        assertEquals(200, wire.status());
        assertEquals("4711", wire.header("content-length"));
        assertEquals("pdf", wire.header("x-kind"));
      }
    }
  }

  @Test
  void an_answer_without_content_passes() throws Exception {
    everyAnswerIs("HTTP/1.1 204 No Content\r\nx-kind: none\r\n\r\n");
    try (RawClient wire = new RawClient(replicas.port(0))) {
      for (int n = 0; n < 3; n++) {
        wire.send(ask(Dialect.OPENAI, "DELETE", "/v1/files/1")).head();
        assertEquals(204, wire.status());
        assertEquals("none", wire.header("x-kind"));
        assertNull(wire.header("transfer-encoding"));
      }
    }
  }

  @Test
  void an_encoding_that_relay_cannot_read_is_not_asked_for_and_passes() throws Exception {
    everyAnswerIs(Says.json(200, "compressed", "content-encoding: compress"));
    Ask ask =
        ask(Dialect.OPENAI, "GET", "/v1/files").header("accept-encoding: compress;q=0.9, dcz");
    Answer answer = answer(ask);
    assertEquals("compressed", answer.text());
    assertEquals("compress", answer.header("content-encoding"));
    assertEquals("identity", provider.received().getLast().header("accept-encoding"));
  }

  @Test
  void an_answer_that_is_not_what_its_encoding_says_passes() throws Exception {
    everyAnswerIs(Says.json(200, "not zstd at all", "content-encoding: zstd"));
    Ask ask =
        ask(Dialect.OPENAI, "GET", "/v1/files").header("accept-encoding: gzip;q=0.9, br, zstd");
    Answer answer = answer(ask);
    assertEquals("not zstd at all", answer.text());
    assertEquals("zstd", answer.header("content-encoding"));
    assertEquals("gzip", provider.received().getLast().header("accept-encoding"));
  }

  @Test
  void a_stream_passes_at_once_and_needs_no_last_event() throws Exception {
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk("data: {\"b64_json\":\"" + "x".repeat(20_000) + "\"}\n\n");
          connection.chunk("data: {\"type\":\"image_generation.completed\"}\n\n");
          connection.chunk("");
        });
    Answer answer = answer(ask(Dialect.OPENAI, "POST", "/v1/images/generations"));
    assertTrue(answer.whole(), answer.toString());
    assertTrue(answer.text().endsWith("image_generation.completed\"}\n\n"), answer.text());
  }

  @Test
  void an_error_of_the_provider_passes() throws Exception {
    everyAnswerIs(Says.json(404, Says.error(Dialect.OPENAI, "x", "No such File object")));
    Answer answer = answer(ask(Dialect.OPENAI, "GET", "/v1/files/none"));
    assertEquals(404, answer.status());
    assertEquals("upstream", answer.header("x-relay-error-origin"));
    assertTrue(answer.text().contains("No such File object"));
  }

  @Test
  void a_path_forbidden_for_all_keys_quarantines_none() throws Exception {
    everyAnswerIs(Says.json(401, Says.error(Dialect.OPENAI, "x", "key sk-123 may not")));
    Answer refused = answer(ask(Dialect.OPENAI, "GET", "/v1/organization/users"));
    Errors.relays(refused, Dialect.OPENAI, 503, "api_error");
    everyAnswerIs(Says.json(403, Says.error(Dialect.OPENAI, "x", "key sk-123 may not")));
    Answer forbidden = answer(ask(Dialect.OPENAI, "GET", "/v1/organization/users"));
    assertEquals(403, forbidden.status(), forbidden.toString());
    assertEquals("upstream", forbidden.header("x-relay-error-origin"));
    assertEquals(Says.error(Dialect.OPENAI, "x", "key [removed] may not"), forbidden.text());
    everyAnswerIs(Says.json(429, Says.error(Dialect.OPENAI, "x", "slow"), "retry-after: 600"));
    Answer limited = answer(ask(Dialect.OPENAI, "GET", "/v1/files"));
    Errors.relays(limited, Dialect.OPENAI, 429, "rate_limit_error");
    everyAnswerIs(Says.fine(Dialect.OPENAI));
    assertEquals(200, answer(Ask.of(Dialect.OPENAI, "openai")).status());
    assertEquals(200, answer(Ask.of(Dialect.OPENAI, "openai")).status());
  }

  @Test
  void a_request_that_may_have_had_an_effect_is_not_retried() throws Exception {
    everyAnswerIs(Says.json(500, Says.error(Dialect.ANTHROPIC, "api_error", "sorry")));
    int before = provider.received().size();
    Answer posted = answer(ask(Dialect.ANTHROPIC, "POST", "/v1/messages/batches"));
    assertEquals(500, posted.status());
    assertEquals("1", posted.header("x-relay-attempts"));
    Answer got = answer(ask(Dialect.ANTHROPIC, "GET", "/v1/messages/batches"));
    assertEquals(500, got.status());
    assertEquals("3", got.header("x-relay-attempts"));
    assertEquals(before + 4, provider.received().size());
  }

  private void assertRefused(Ask request) throws Exception {
    int before = provider.received().size();
    Answer answer = answer(request);
    assertEquals(400, answer.status(), answer.toString());
    assertEquals(before, provider.received().size());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/../admin",
        "/v1/files/..",
        "/v1/./files",
        "/v1/%2e%2E/x",
        "/v1/a/.%2e/b",
        "/v1/a\\..\\b",
        "/v1/%6dessages",
        "/v1/messages/",
        "/v1//messages",
        "/v1/messages;a=b",
        "/v1/Messages",
        "/v1/files;a=b"
      })
  void an_ambiguous_path_is_refused(String target) throws Exception {
    assertRefused(ask(Dialect.ANTHROPIC, "GET", target));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/Chat/Completions",
        "/v1/deployments/other/chat/completions",
        "/v1/%65mbeddings",
        "/v1/responses/"
      })
  void a_path_that_may_be_read_as_a_counted_endpoint_is_refused(String target) throws Exception {
    assertRefused(ask(Dialect.OPENAI, "POST", target).body("{}"));
  }

  @Test
  void a_query_passes_byte_for_byte() throws Exception {
    for (String query :
        List.of(
            "",
            "?q='a'",
            "?a=%27&b=%2f%2F",
            "?a=b&&c==",
            "?a?b",
            "?x;y",
            "?",
            "??",
            "??a",
            "?a?")) {
      String target = "/v1/files" + query;
      assertEquals(200, answer(ask(Dialect.OPENAI, "GET", target)).status());
      assertEquals("GET " + target + " HTTP/1.1", provider.received().getLast().line());
      assertEquals(200, statusOverHttp2(target));
      assertEquals("GET " + target + " HTTP/1.1", provider.received().getLast().line());
    }
  }

  private int statusOverHttp2(String target) throws Exception {
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      client.request(1, Map.of(":method", "GET", ":path", target), new byte[0]);
      return client.status(1);
    }
  }

  @Test
  void an_empty_query_belongs_to_its_own_request_among_pipelined_ones() throws Exception {
    int before = provider.received().size();
    List<String> targets = List.of("/v1/a?", "/v1/b", "/v1/c??", "/v1/d?e", "/v1/f?");
    try (RawClient client = new RawClient(replicas.port(0))) {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      targets.forEach(target -> all.writeBytes(ask(Dialect.OPENAI, "GET", target).bytes()));
      client.send(all.toByteArray());
      for (String _ : targets) {
        assertEquals(200, client.answer().status());
      }
    }
    List<String> lines =
        provider.received().subList(before, provider.received().size()).stream()
            .map(Received::line)
            .toList();
    assertEquals(targets.stream().map(target -> "GET " + target + " HTTP/1.1").toList(), lines);
  }

  @Test
  void unauthorized_and_oversized_requests_are_refused_by_relay() throws Exception {
    int before = provider.received().size();
    for (String client : List.of("some", "none")) {
      Ask ask = ask(Dialect.ANTHROPIC, "GET", "/v1/files").from(client);
      Errors.relays(answer(ask), Dialect.ANTHROPIC, 404, "not_found_error");
    }
    Ask stranger = ask(Dialect.ANTHROPIC, "GET", "/v1/files").credential("x-api-key: no");
    Errors.relays(answer(stranger), Dialect.ANTHROPIC, 401, "authentication_error");
    Ask large = ask(Dialect.ANTHROPIC, "POST", "/v1/files").body("x".repeat(100_001));
    Errors.relays(answer(large), Dialect.ANTHROPIC, 413, "request_too_large");
    Ask traced = ask(Dialect.ANTHROPIC, "TRACE", "/v1/files");
    Answer answer = answer(traced);
    Errors.relays(answer, Dialect.ANTHROPIC, 405, "invalid_request_error");
    assertEquals("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", answer.header("allow"));
    byte[] bodied =
        ("GET /v1/files HTTP/1.1\r\nhost: a\r\nx-api-key: "
                + Ask.CLIENT_KEY
                + "\r\nanthropic-version: 1\r\ncontent-length: 2\r\n\r\n{}")
            .getBytes(UTF_8);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      Errors.relays(wire.send(bodied).answer(), Dialect.ANTHROPIC, 400, "invalid_request_error");
    }
    assertEquals(before, provider.received().size());
  }
}
