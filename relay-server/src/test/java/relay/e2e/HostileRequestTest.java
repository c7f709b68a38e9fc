package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** No request can be read as two, and only well-formed requests reach the provider. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileRequestTest {
  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  HostileRequestTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  static List<Hostile> cases() {
    return Hostile.all();
  }

  @Test
  void there_are_enough_cases_with_unique_names() {
    assertTrue(cases().size() >= 60, "only " + cases().size());
    assertEquals(cases().size(), cases().stream().map(Hostile::name).distinct().count());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_request_is_read_as_one_or_refused(Hostile hostile) throws Exception {
    int before = provider.received().size();
    int expected = before + (hostile.reaches() ? 1 : 0);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(hostile.bytes()).head();
      assertEquals(hostile.status(), wire.status());
      String id = wire.header("x-relay-request-id");
      Answer answer = wire.rest();
      assertTrue(answer.whole(), answer.toString());
      if (hostile.status() != 200 && id != null) {
        assertEquals("relay", answer.header("x-relay-error-origin"));
        assertFalse(answer.json().path("error").path("message").asText().isEmpty());
      }
      if (hostile.closes()) {
        assertNull(next(wire), "the connection goes on");
      } else {
        // Left-over bytes of the first request would be read as the start of this one.
        wire.send(Ask.of(Dialect.ANTHROPIC, "anthropic").header("x-last: 1"));
        assertEquals(200, wire.answer().status());
        assertEquals("1", provider.received().getLast().header("x-last"));
        expected++;
      }
    }
    assertEquals(expected, provider.received().size());
    provider.received().subList(before, expected).forEach(HostileRequestTest::isWellFormed);
  }

  static List<String> headsTooLarge() {
    String lines = IntStream.range(0, 250).mapToObj("x-%d: 1\n"::formatted).collect(joining());
    return List.of("x-a: " + "a".repeat(70_000), lines);
  }

  @ParameterizedTest
  @MethodSource("headsTooLarge")
  void a_head_beyond_its_bounds_gets_an_error_message(String lines) throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
    lines.lines().forEach(ask::header);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      Answer answer = wire.send(ask).answer();
      assertEquals(431, answer.status());
      assertEquals("invalid_request_error", answer.json().path("error").path("type").asText());
      assertTrue(answer.text().contains("64 KiB"), answer.text());
      assertNull(next(wire), "the connection goes on");
    }
  }

  /** The status of an unexpected answer; null at the end of the connection. */
  private static @Nullable String next(RawClient wire) {
    try {
      return "status " + wire.head().status();
    } catch (IOException e) {
      return null;
    }
  }

  private static void isWellFormed(Received request) {
    assertTrue(request.line().matches("POST /v1/messages(\\?[!-~]*)? HTTP/1\\.1"), request.line());
    for (String line : request.headers()) {
      assertTrue(line.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\\t -~\\x80-\\xff]*"), line);
    }
    String head = String.join("\n", request.headers()).toLowerCase(Locale.ROOT);
    assertEquals(1, head.split("(?m)^content-length:", -1).length - 1, head);
    assertEquals(String.valueOf(request.body().length), request.header("content-length"));
    for (String name : List.of("transfer-encoding", "upgrade", "http2-settings", "x-smuggled")) {
      assertNull(request.header(name), head);
    }
    assertFalse(head.contains(Ask.CLIENT_KEY), head);
  }

  @Test
  void pipelined_requests_are_answered_in_order() throws Exception {
    int before = provider.received().size();
    try (RawClient wire = new RawClient(replicas.port(0))) {
      byte[] good = Ask.of(Dialect.ANTHROPIC, "anthropic").bytes();
      byte[] chunked = Ask.of(Dialect.ANTHROPIC, "anthropic").chunked(7).bytes();
      wire.send(good).send(chunked).send(good).send("BAD\u0000\r\n\r\n".getBytes(UTF_8));
      for (int n = 0; n < 3; n++) {
        assertEquals(200, wire.answer().status());
      }
      assertEquals(400, wire.answer().status());
    }
    assertEquals(before + 3, provider.received().size());
  }

  @Test
  void a_client_that_expects_100_continue_gets_it() throws Exception {
    byte[] all = Ask.of(Dialect.ANTHROPIC, "anthropic").header("expect: 100-continue").bytes();
    int head = new String(all, ISO_8859_1).indexOf("\r\n\r\n") + 4;
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Arrays.copyOf(all, head)).head();
      assertEquals(100, wire.status());
      wire.send(Arrays.copyOfRange(all, head, all.length));
      assertEquals(200, wire.answer().status());
      assertNull(provider.received().getLast().header("expect"));
    }
  }
}
