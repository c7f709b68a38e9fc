package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * A faulty request on an HTTP/2 connection gets an answer of its own. The other streams of the
 * connection go on: behind a multiplexing balancer they belong to other clients.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedConnectionTest {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .http2()
          .provider(
              "anthropic",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of("pass_headers: [cookie]"),
              List.of(Setup.key("a")))
          .start(1);

  SharedConnectionTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static byte[] body() {
    return Ask.body("anthropic", "").getBytes(UTF_8);
  }

  private int statusBesideAStream(Map<String, String> lines) throws Exception {
    return statusBesideAStream(lines, List.of());
  }

  /** Sends a request beside a running one, and returns its status; the running one must finish. */
  private int statusBesideAStream(Map<String, String> lines, List<Map.Entry<String, String>> more)
      throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answered = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          if ("1".equals(request.header("x-running"))) {
            answered.await(20, TimeUnit.SECONDS);
          }
          connection.write(Says.fine(Dialect.ANTHROPIC));
        });
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      client.request(1, Map.of("x-running", "1"), body());
      assertTrue(asked.await(10, TimeUnit.SECONDS));
      client.head(3, lines, more);
      client.data(3, true, 0, body());
      int status = client.status(3);
      answered.countDown();
      assertEquals(200, client.status(1));
      return status;
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"", "|", "{", "}", "\\", "#", " ", "<", "^", "`", "\u00e4", "\u0001", "%", "%g1"
      })
  void a_path_with_a_forbidden_character_gets_400(String character) throws Exception {
    assertEquals(400, statusBesideAStream(Map.of(":path", "/v1/files" + character)));
    assertEquals(400, statusBesideAStream(Map.of(":path", "/v1/messages?a=" + character)));
  }

  @Test
  void a_head_beyond_its_bounds_gets_431() throws Exception {
    assertEquals(431, statusBesideAStream(Map.of("x-a", "a".repeat(70_000))));
    assertEquals(431, statusBesideAStream(Map.of("x-a", "a".repeat(100_000))));
    assertEquals(431, statusBesideAStream(Map.of("x-a", "a".repeat(125_000))));
    assertEquals(431, statusBesideAStream(Map.of("x-a", "a".repeat(250_000))));
  }

  @Test
  void a_head_of_too_many_lines_gets_431() throws Exception {
    for (int most : List.of(250, 500, 2_000)) {
      Map<String, String> lines = new HashMap<>();
      for (int n = 0; n < most; n++) {
        lines.put("x-" + n, "a");
      }
      assertEquals(431, statusBesideAStream(lines));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 127, 128, 150, 190, 250, 1_000})
  void many_lines_of_one_name_end_their_own_stream_at_most(int count) throws Exception {
    int status = statusBesideAStream(Map.of(), Collections.nCopies(count, Map.entry("x-a", "b")));
    assertEquals(count <= 127 ? 200 : 431, status);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 128, 190, 1_000})
  void a_cookie_in_pieces_is_one_line(int pieces) throws Exception {
    List<Map.Entry<String, String>> all = Collections.nCopies(pieces, Map.entry("cookie", "a=b"));
    assertEquals(200, statusBesideAStream(Map.of(), all));
    Received last =
        provider.received().stream().filter(r -> r.header("cookie") != null).toList().getLast();
    assertEquals(String.join("; ", Collections.nCopies(pieces, "a=b")), last.header("cookie"));
  }

  @Test
  void a_cookie_in_pieces_has_the_bound_of_any_head() throws Exception {
    Map.Entry<String, String> piece = Map.entry("cookie", "a".repeat(1_000));
    assertEquals(431, statusBesideAStream(Map.of(), Collections.nCopies(80, piece)));
  }

  @Test
  void streams_of_a_client_that_goes_away_go_on_and_then_the_connection_ends() throws Exception {
    CountDownLatch asked = new CountDownLatch(2);
    CountDownLatch left = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          left.await(20, TimeUnit.SECONDS);
          connection.write(Says.fine(Dialect.ANTHROPIC));
        });
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      client.request(1, Map.of(), body());
      client.request(3, Map.of(), body());
      assertTrue(asked.await(10, TimeUnit.SECONDS));
      client.goAway();
      assertEquals(401, unknown(client, 5)); // the frame was read
      left.countDown();
      assertEquals(200, client.status(1));
      assertEquals(200, client.status(3));
      assertEquals(Says.answer(Dialect.ANTHROPIC), client.body(1));
      assertEquals(Says.answer(Dialect.ANTHROPIC), client.body(3));
      assertTrue(client.endsWithGoAway());
    }
  }

  private static int unknown(RawHttp2Client client, int stream) throws Exception {
    client.request(stream, Map.of("x-api-key", "wrong"), body());
    return client.status(stream);
  }

  static Stream<Arguments> heads() {
    return Stream.of(
            List.of("te", "gzip"),
            List.of("connection", "x-a"),
            List.of("X-A", "1"),
            List.of("x(a)", "1"),
            List.of("", "1"),
            List.of("x\na", "1"),
            List.of("x-a", "1\n2"),
            List.of(":method", "PO ST"),
            List.of(":authority", "a b"),
            List.of(":scheme", "h ttp"),
            List.of("transfer-encoding", "chunked"),
            List.of(":late", "1"),
            List.of(":path", RawHttp2Client.ABSENT),
            List.of(":path", ""),
            List.of(":method", RawHttp2Client.ABSENT),
            List.of(":scheme", RawHttp2Client.ABSENT),
            List.of("content-length", "x"),
            List.of("content-length", ""),
            List.of("content-length", "-1"),
            List.of("content-length", "9".repeat(30)))
        .map(line -> Arguments.of(line.get(0), line.get(1)));
  }

  @ParameterizedTest
  @MethodSource("heads")
  void a_malformed_head_ends_its_own_stream_only(String name, String value) throws Exception {
    int status = statusBesideAStream(Map.of(name, value));
    assertTrue(status == 400 || status == RawHttp2Client.RESET, "status " + status);
  }
}
