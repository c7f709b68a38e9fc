package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.e2e.Call.Coding;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;
import relay.model.Endpoint;

/** Every endpoint x JSON or stream x compressed or not x model mapped or not: bytes and charges. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EndpointMatrixTest {
  private final RawProvider provider = new RawProvider(EndpointMatrixTest::answer);
  private final Replicas replicas = setup().start(1);

  EndpointMatrixTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  static Stream<Call> calls() {
    return Stream.of(Endpoint.values())
        .flatMap(
            endpoint ->
                Stream.of(false, true)
                    .filter(
                        stream ->
                            !stream
                                || (endpoint != Endpoint.EMBEDDINGS
                                    && endpoint != Endpoint.COUNT_TOKENS))
                    .flatMap(
                        stream ->
                            Stream.of(Coding.values())
                                .flatMap(
                                    coding ->
                                        Stream.of(false, true)
                                            .map(
                                                mapped ->
                                                    new Call(endpoint, stream, coding, mapped)))));
  }

  private Setup setup() {
    Setup setup = new Setup();
    calls()
        .forEach(
            call ->
                setup.provider(
                    call.model(),
                    call.endpoint().dialect(),
                    provider.url(),
                    call.mapped()
                        ? List.of(
                            "model_mapping: { %s: \"%s\" }"
                                .formatted(call.model(), call.upstreamModel()))
                        : List.of(),
                    List.of(Setup.key(call.model()))));
    return setup;
  }

  /** Answers in the call's format, with an encoding that Relay accepts. */
  private static void answer(Received request, Connection connection) throws Exception {
    Call call = calls().filter(c -> request.isFor(c.upstreamModel())).findFirst().orElseThrow();
    String accepted = String.valueOf(request.header("accept-encoding"));
    String coding = call.coding().name().toLowerCase(Locale.ROOT);
    boolean plain = call.coding() == Coding.IDENTITY || !accepted.equals(coding);
    byte[] body = plain ? call.answer().getBytes(UTF_8) : call.encoded(call.answer());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        "HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s%s\r\n\r\n"
            .formatted(
                call.stream() ? "text/event-stream; charset=utf-8" : "application/json",
                plain ? "" : "content-encoding: " + coding + "\r\n",
                call.stream() ? "transfer-encoding: chunked" : "content-length: " + body.length)
            .getBytes(ISO_8859_1));
    if (!call.stream()) {
      out.writeBytes(body);
      connection.write(out.toByteArray());
      return;
    }
    connection.write(out.toByteArray());
    for (int from = 0; from < body.length; from += 50) {
      connection.chunk(Arrays.copyOfRange(body, from, Math.min(body.length, from + 50)));
    }
    connection.chunk("");
  }

  @ParameterizedTest
  @MethodSource("calls")
  void bodies_pass_byte_for_byte_and_usage_is_charged(Call call) throws Exception {
    Answer answer =
        RawClient.ask(replicas.port(0), call.ask().target(call.endpoint().path() + "?a=%20b"));
    assertEquals(200, answer.status(), answer.toString());
    assertTrue(answer.whole());
    assertEquals(call.model(), answer.header("x-relay-provider"));
    assertNull(answer.header("x-relay-error-origin"));

    Received sent = provider.received(call.upstreamModel()).getLast();
    assertEquals("POST " + call.endpoint().path() + "?a=%20b HTTP/1.1", sent.line());
    String expected = call.body('"' + call.upstreamModel() + '"');
    if (call.asksForUsage()) {
      expected = expected.replaceFirst("\\{", "{\"stream_options\":{\"include_usage\":true},");
    }
    assertEquals(expected, new String(sent.body(), UTF_8));

    String coding = call.coding().name().toLowerCase(Locale.ROOT);
    if (call.asksForUsage()) {
      assertEquals("identity", sent.header("accept-encoding"));
      assertNull(answer.header("content-encoding"));
      assertEquals(String.join("", Says.eventsWithoutUsage(Dialect.OPENAI)), answer.text());
    } else {
      assertEquals(coding, sent.header("accept-encoding"));
      assertArrayEquals(call.encoded(call.answer()), answer.body());
      if (call.coding() != Coding.IDENTITY) {
        assertEquals(coding, answer.header("content-encoding"));
      }
    }
    replicas.awaitLine(call.model(), call.model() + "/default", call.charged());
  }

  @ParameterizedTest
  @EnumSource
  void duplicate_decisive_names_are_refused(Endpoint endpoint) throws Exception {
    String model = calls().filter(c -> c.endpoint() == endpoint).findFirst().orElseThrow().model();
    int before = provider.received().size();
    for (String twice :
        List.of(
            "\"model\":\"other\"",
            "\"mod\\u0065l\":\"other\"",
            "\"stream\":false,\"stream\":true",
            "\"max_tokens\":1,\"max_tokens\":2",
            "\"max_completion_tokens\":1,\"max_completion_tokens\":2",
            "\"max_output_tokens\":1,\"max_output_tokens\":1")) {
      Ask ask =
          Ask.of(endpoint.dialect(), "")
              .target(endpoint.path())
              .body("{\"model\":\"" + model + "\"," + twice + "}");
      Answer answer = RawClient.ask(replicas.port(0), ask);
      Errors.relays(answer, endpoint.dialect(), 400, "invalid_request_error");
    }
    assertEquals(before, provider.received().size());
  }

  @ParameterizedTest
  @EnumSource
  void other_methods_get_a_405_with_the_right_method(Endpoint endpoint) throws Exception {
    for (String method : List.of("GET", "PUT", "DELETE", "OPTIONS")) {
      Ask ask = Ask.of(endpoint.dialect(), "").method(method).target(endpoint.path());
      Answer answer = RawClient.ask(replicas.port(0), ask);
      Errors.relays(answer, endpoint.dialect(), 405, "invalid_request_error");
      assertEquals("POST", answer.header("allow"));
    }
  }
}
