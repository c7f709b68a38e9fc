package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.CompletableFuture.completedFuture;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.ConnectionSpec;
import okhttp3.Headers;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.upstream.ConnectionSlots.ConnectionSlot;

/**
 * A request on a kept connection is what OkHttp would send, and its connection ends as OkHttp's.
 */
class KeptExchangeTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final byte[] BODY = "{\"model\":\"m\"}".getBytes(UTF_8);

  @AutoClose private final MockWebServer web = new MockWebServer();
  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);

  private final OkHttpClient http =
      new OkHttpClient.Builder()
          .connectionSpecs(List.of(ConnectionSpec.CLEARTEXT))
          .eventListenerFactory(AttemptTrace.FACTORY)
          .retryOnConnectionFailure(false)
          .followRedirects(false)
          .build();
  private final ConnectionSlots slots =
      new ConnectionSlots(
          new ProviderClients(Protocol.HTTP_1_1, _ -> completedFuture(http)),
          carriers,
          LONG,
          false);
  private final AttemptTrace trace = new AttemptTrace();

  @BeforeEach
  void begin() throws IOException {
    web.start();
  }

  private Request request(String method) {
    return new Request.Builder()
        .url(web.url("/v1/messages?a='b'"))
        .tag(AttemptTrace.class, trace)
        .header("accept-encoding", "identity")
        .header("user-agent", "a client")
        .addHeader("x-two", "1")
        .addHeader("x-two", "2")
        .method(method, method.equals("POST") ? new PayloadBody(Payload.of(BODY), trace) : null)
        .build();
  }

  /** What a slot's next request gets, and whether it took the kept connection. */
  private record Got(boolean kept, int status, String body) {}

  private Got get(String method) throws IOException {
    return get(request(method), true);
  }

  private Got get(Request request, boolean whole) throws IOException {
    try (ConnectionSlot slot = slots.takeAlone()) {
      UpstreamExchange exchange = slot.exchange(request, trace);
      try (Response response = exchange.execute()) {
        slot.spoke(response, trace.connection());
        String body = whole ? response.body().string() : "";
        return new Got(exchange instanceof KeptExchange, response.code(), body);
      }
    }
  }

  private static MockResponse answer(String body) {
    return new MockResponse.Builder().body(body).build();
  }

  private void makeConnection() throws IOException, InterruptedException {
    web.enqueue(answer("first"));
    assertEquals(new Got(false, 200, "first"), get("POST"));
    var _ = web.takeRequest();
  }

  private static Headers sorted(Headers headers) {
    Headers.Builder all = new Headers.Builder();
    headers.names().stream()
        .sorted()
        .forEach(name -> headers.values(name).forEach(value -> all.add(name, value)));
    return all.build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "GET", "HEAD", "DELETE"})
  void the_request_is_what_okhttp_sends(String method) throws Exception {
    web.enqueue(answer(method.equals("HEAD") ? "" : "one"));
    web.enqueue(answer(method.equals("HEAD") ? "" : "one"));
    Got first = get(method);
    Got second = get(method);
    assertEquals(new Got(false, 200, first.body), first);
    assertEquals(new Got(true, 200, first.body), second);
    RecordedRequest by = web.takeRequest();
    RecordedRequest own = web.takeRequest();
    assertEquals(1, own.getExchangeIndex(), "on the same connection");
    assertEquals(by.getRequestLine(), own.getRequestLine());
    assertEquals(sorted(by.getHeaders()), sorted(own.getHeaders()));
    if (method.equals("POST")) {
      assertArrayEquals(BODY, Objects.requireNonNull(own.getBody()).toByteArray());
    }
  }

  @Test
  void interim_answers_are_skipped_and_chunks_are_read() throws Exception {
    makeConnection();
    web.enqueue(
        new MockResponse.Builder()
            .addInformationalResponse(new MockResponse.Builder().code(103).build())
            .addInformationalResponse(new MockResponse.Builder().code(100).build())
            .chunkedBody("in parts", 3)
            .build());
    web.enqueue(answer("third"));
    assertEquals(new Got(true, 200, "in parts"), get("POST"));
    assertEquals(new Got(true, 200, "third"), get("POST"));
  }

  @Test
  void okhttp_repeats_no_request_by_itself() throws Exception {
    for (boolean kept : new boolean[] {false, true}) {
      web.enqueue(
          new MockResponse.Builder().code(503).addHeader("retry-after", 0).body("busy").build());
      assertEquals(new Got(kept, 503, "busy"), get("POST"));
    }
    assertEquals(2, web.getRequestCount());
  }

  @Test
  void a_connection_that_the_provider_ends_is_not_kept() throws Exception {
    makeConnection();
    web.enqueue(new MockResponse.Builder().body("last").addHeader("connection", "close").build());
    web.enqueue(answer("next"));
    assertEquals(new Got(true, 200, "last"), get("POST"));
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          HTTP/1.1 200 OK | connection: close                                         | false
          HTTP/1.1 200 OK | connection: x-a, Close                                    | false
          HTTP/1.1 200 OK | connection: close,x-a                                     | false
          HTTP/1.1 200 OK | connection: keep-alive; connection: close                 | false
          HTTP/1.1 200 OK | connection: closed                                        | true
          HTTP/1.1 200 OK | connection: keep-alive                                    | true
          HTTP/1.0 200 OK | x-a: b                                                    | false
          HTTP/1.0 200 OK | connection: x-a                                           | false
          HTTP/1.0 200 OK | connection: x-a, Keep-Alive                               | true
          """)
  void a_connection_is_kept_only_if_the_answer_lets_it(String status, String lines, boolean kept)
      throws Exception {
    MockResponse.Builder answer = new MockResponse.Builder().status(status).body("a");
    for (String line : lines.split(";", -1)) {
      answer.addHeader(line.trim());
    }
    MockResponse last = answer.build();
    for (boolean first : new boolean[] {true, false}) {
      web.enqueue(last);
      web.enqueue(answer("next"));
      assertEquals(new Got(!first, 200, "a"), get("POST"));
      assertEquals(new Got(kept, 200, "next"), get("POST"), "first: " + first);
    }
  }

  @Test
  void a_connection_is_not_kept_after_an_answer_with_two_statements_of_its_end() throws Exception {
    makeConnection();
    web.enqueue(
        new MockResponse.Builder().chunkedBody("a", 1).addHeader("content-length", 1).build());
    web.enqueue(answer("next"));
    assertEquals(new Got(true, 200, "a"), get("POST"));
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @Test
  void a_connection_with_an_unread_rest_is_not_kept() throws Exception {
    makeConnection();
    web.enqueue(
        new MockResponse.Builder()
            .body("x".repeat(100_000))
            .throttleBody(1_000, 1, TimeUnit.SECONDS)
            .build());
    web.enqueue(answer("next"));
    assertEquals(new Got(true, 200, ""), get(request("POST"), false));
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @Test
  void a_connection_that_breaks_fails_and_is_not_kept() throws Exception {
    makeConnection();
    web.enqueue(new MockResponse.Builder().onResponseStart(new SocketEffect.CloseSocket()).build());
    web.enqueue(answer("next"));
    assertThrows(IOException.class, () -> get("POST"));
    assertTrue(trace.sent());
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @Test
  void a_cancelled_exchange_fails_and_its_connection_is_not_kept() throws Exception {
    makeConnection();
    web.enqueue(answer("next"));
    try (ConnectionSlot slot = slots.takeAlone()) {
      KeptExchange exchange =
          assertInstanceOf(KeptExchange.class, slot.exchange(request("POST"), trace));
      exchange.cancel();
      assertTrue(exchange.isCanceled());
      assertThrows(IOException.class, exchange::execute);
    }
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @Test
  void a_late_cancel_leaves_the_next_request_on_the_connection_alone() throws Exception {
    makeConnection();
    web.enqueue(answer("second"));
    web.enqueue(answer("third"));
    UpstreamExchange second;
    try (ConnectionSlot slot = slots.takeAlone()) {
      second = slot.exchange(request("POST"), trace);
      try (Response response = second.execute()) {
        assertEquals("second", response.body().string());
      }
    }
    try (ConnectionSlot slot = slots.takeAlone()) {
      UpstreamExchange third = slot.exchange(request("POST"), trace);
      assertInstanceOf(KeptExchange.class, third);
      try (Response response = third.execute()) {
        second.cancel(); // its client leaves
        assertEquals("third", response.body().string());
      }
    }
    assertFalse(second.isCanceled());
  }

  @Test
  void a_cancel_at_the_end_of_an_answer_ends_the_connection() throws Exception {
    makeConnection();
    web.enqueue(answer("second"));
    web.enqueue(answer("third"));
    try (ConnectionSlot slot = slots.takeAlone()) {
      UpstreamExchange second = slot.exchange(request("POST"), trace);
      try (Response response = second.execute()) {
        assertEquals("second", response.body().string());
        second.cancel();
      }
    }
    assertEquals(new Got(false, 200, "third"), get("POST"));
  }

  /** As memory that runs out does, between the head and the body of a request. */
  @Test
  void a_request_that_stops_halfway_ends_the_connection() throws Exception {
    makeConnection();
    web.enqueue(answer("next"));
    Payload gone = Payload.of(BODY);
    gone.release();
    Request half = request("POST").newBuilder().post(new PayloadBody(gone, trace)).build();
    assertThrows(IllegalStateException.class, () -> get(half, true));
    assertEquals(new Got(false, 200, "next"), get("POST"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "connection", "content-length", "transfer-encoding", "expect"})
  void okhttp_sends_what_states_a_line_of_the_connection(String name) throws Exception {
    makeConnection();
    web.enqueue(answer("next"));
    String value = name.equals("content-length") ? "" + BODY.length : "x";
    try (ConnectionSlot slot = slots.takeAlone()) {
      Request other = request("POST").newBuilder().header(name, value).build();
      assertFalse(slot.exchange(other, trace) instanceof KeptExchange);
    }
  }

  @Test
  void another_server_is_not_asked_on_the_kept_connection() throws Exception {
    makeConnection();
    try (ConnectionSlot slot = slots.takeAlone()) {
      Request other = request("POST").newBuilder().url("http://127.0.0.1:1/v1/messages").build();
      assertFalse(slot.exchange(other, trace) instanceof KeptExchange);
    }
  }
}
