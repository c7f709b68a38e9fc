package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/** Malformed response heads of a provider must not harm clients. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileAnswerTest {
  private static final String BODY = Says.answer(Dialect.ANTHROPIC);
  private static final String OK = "HTTP/1.1 200 OK\ncontent-type: application/json\n";
  private static final String LENGTH = "content-length: " + BODY.length() + "\n";
  private static final String CHUNKS =
      Integer.toHexString(BODY.length()) + "\r\n" + BODY + "\r\n0\r\n\r\n";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  HostileAnswerTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer answerTo(String head, String body) throws Exception {
    String wire = (head + "\n").replace("\n", "\r\n") + body;
    provider.script(
        (request, connection) -> {
          connection.write(wire.getBytes(ISO_8859_1));
          if (!head.contains("content-length") && !head.contains("chunked")) {
            connection.close();
          }
        });
    return RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic"));
  }

  private void theNextAnswerIsItsOwn() throws Exception {
    Answer next = answerTo(OK + LENGTH + "x-next: 1\n", BODY);
    assertEquals(200, next.status());
    assertEquals("1", next.header("x-next"));
    assertEquals(BODY, next.text());
  }

  static List<String> unclearHeads() {
    return List.of(
        OK + LENGTH + "content-length: 5\n",
        OK + "content-length: 5\n" + LENGTH,
        OK + "content-length: +" + BODY.length() + "\n",
        OK + "content-length: -1\n",
        OK + "content-length: abc\n",
        OK + "content-length: 99999999999999999999999\n",
        OK + "content-length: 5, 5\n",
        OK + "transfer-encoding: gzip, chunked\n",
        OK + "transfer-encoding: chunked\ntransfer-encoding: chunked\n",
        OK + "transfer-encoding: identity\n",
        "HTTP/1.1 101 Switching Protocols\nconnection: upgrade\nupgrade: websocket\n",
        "HTTP/1.1 204 No Content\n" + LENGTH,
        "HTTP/1.1 205 Reset Content\n" + LENGTH,
        OK + "x-a: 1\n".repeat(200) + LENGTH,
        OK + "x-a: " + "a".repeat(300_000) + "\n" + LENGTH,
        "SSH-2.0-OpenSSH\n");
  }

  @ParameterizedTest
  @MethodSource("unclearHeads")
  void an_answer_with_an_ambiguous_end_is_refused(String head) throws Exception {
    Answer answer = answerTo(head, BODY);
    Errors.relays(answer, Dialect.ANTHROPIC, 502, "api_error");
    theNextAnswerIsItsOwn();
  }

  static List<String> clearHeads() {
    return List.of(
        OK + LENGTH,
        OK + LENGTH + LENGTH,
        "HTTP/1.1 100 Continue\n\n" + OK + LENGTH,
        "HTTP/1.1 103 Early Hints\nlink: a\n\n" + OK + LENGTH,
        "HTTP/1.1 200\ncontent-type: application/json\n" + LENGTH,
        "HTTP/1.0 200 OK\n");
  }

  @ParameterizedTest
  @MethodSource("clearHeads")
  void an_answer_with_a_clear_end_passes(String head) throws Exception {
    Answer answer = answerTo(head, BODY);
    assertEquals(200, answer.status());
    assertEquals(BODY, answer.text());
    assertNull(answer.header("link"));
    theNextAnswerIsItsOwn();
  }

  @ParameterizedTest
  @ValueSource(strings = {"content-length: 5\n", ""})
  void chunked_encoding_overrides_a_content_length(String length) throws Exception {
    Answer answer = answerTo(OK + length + "transfer-encoding: chunked\n", CHUNKS);
    assertEquals(BODY, answer.text());
    theNextAnswerIsItsOwn();
  }

  /** Chunks that a carrier would forward unchanged. */
  @ParameterizedTest
  @ValueSource(ints = {200, 204, 205, 304, 404, 417})
  void a_separate_chunk_is_forwarded_only_if_the_answer_is_chunked(int status) throws Exception {
    Semaphore headSeen = new Semaphore(0);
    provider.script(
        (request, connection) -> {
          connection.write("HTTP/1.1 " + status + " Any\r\ntransfer-encoding: chunked\r\n\r\n");
          connection.chunk("HTTP/1.1 200 OK\r\n");
          if (headSeen.tryAcquire(10, TimeUnit.SECONDS)) {
            connection.chunk("content-length: 0\r\n\r\n");
            LockSupport.parkNanos(20_000_000); // so that it arrives separately
          }
          connection.chunk("");
        });
    try (RawClient wire = new RawClient(replicas.port(0))) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
      wire.send(ask).head();
      assertEquals(status, wire.status());
      headSeen.release();
      if (status != 204 && status != 304) { // these have no body
        assertEquals("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", wire.rest().text());
      }
      if (status != 417) { // Undertow closes the connection after a 417
        provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
        Answer next = wire.send(ask).answer();
        assertEquals(200, next.status());
        assertEquals(BODY, next.text());
      }
    }
  }

  @Test
  void bytes_after_an_answer_are_not_read_as_the_next_answer() throws Exception {
    String another = (OK + "x-poison: 1\ncontent-length: 2\n\n").replace("\n", "\r\n") + "{}";
    for (int n = 0; n < 5; n++) {
      Answer answer = answerTo(OK + LENGTH, BODY + another);
      assertEquals(BODY, answer.text());
      theNextAnswerIsItsOwn();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x-a: a\rset-cookie: evil=1",
        "x-a: a\u0000set-cookie: evil=1",
        "x-a: \u5560set-cookie: evil=1",
        "x-a: \u560d\u560aset-cookie: evil=1",
        "set-cookie : evil=1",
        "x-a: b\r\n set-cookie: evil=1",
        "set cookie: evil=1",
        "set-cookie(: evil=1"
      })
  void a_header_cannot_inject_another(String line) throws Exception {
    String wire = new String(line.getBytes(UTF_8), ISO_8859_1);
    Answer answer = answerTo(OK + LENGTH + wire + "\n", BODY);
    assertEquals(200, answer.status());
    assertEquals(BODY, answer.text());
    for (String seen : answer.headers()) {
      assertTrue(seen.matches("[a-zA-Z0-9-]+: [ -~\\x80-\\xff]*"), seen);
    }
    assertNull(answer.header("set-cookie"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"x-a: \u00e9\u4e2d\ud83d\ude00", "x-a: plain"})
  void text_in_a_header_passes(String line) throws Exception {
    String wire = new String(line.getBytes(UTF_8), ISO_8859_1);
    Answer answer = answerTo(OK + LENGTH + wire + "\n", BODY);
    assertTrue(answer.headers().contains(wire), answer.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keep-alive: timeout=5",
        "proxy-authenticate: Basic",
        "proxy-connection: keep-alive",
        "te: trailers",
        "trailer: x",
        "upgrade: h2",
        "x-a: named by the first line",
        "x-b: named by the second line",
        "x-relay-key: forged",
        "x-relay-error-origin: relay"
      })
  void hop_by_hop_headers_are_not_forwarded(String line) throws Exception {
    Answer answer =
        answerTo(OK + LENGTH + "connection: x-a\nConnection: x-B\n" + line + "\n", BODY);
    assertEquals(BODY, answer.text());
    assertTrue(!answer.headers().contains(line), answer.toString());
  }
}
