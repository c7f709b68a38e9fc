package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import relay.e2e.Collector.Span;
import relay.guards.Await;
import relay.model.Dialect;

/** The spans of requests, as a collector gets them, and the trace as providers see it. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TracingTest {
  private static final String CALLER = "00f067aa0ba902b7";
  private static final String VENDOR = "vendor=some-state";
  private static final String INVALID = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";

  private final AtomicInteger traces = new AtomicInteger();
  private final AtomicInteger refusals = new AtomicInteger();
  private final Collector collector = new Collector();
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas =
      setup()
          .environment("OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url())
          .environment("OTEL_BSP_SCHEDULE_DELAY=20")
          .start(1);

  TracingTest() throws Exception {}

  private Setup setup() throws IOException {
    return new Setup()
        .client("poor", "rpm_limit: 1")
        .client("worker", "leases: true")
        .provider("two", Dialect.ANTHROPIC, provider.url(), Setup.key("two-1"), Setup.key("two-2"))
        .provider("stream", Dialect.OPENAI, provider.url(), Setup.key("stream-1"))
        .provider("cut", Dialect.ANTHROPIC, provider.url(), Setup.key("cut-1"))
        .provider("small", Dialect.ANTHROPIC, provider.url(), Setup.key("small-1", "rpm_limit: 1"))
        .provider(
            "away",
            Dialect.ANTHROPIC,
            Setup.nowhere(),
            List.of("max_attempts: 1"),
            List.of(Setup.key("away-1")));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
    collector.close();
  }

  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    if (lines(request, "x-test").contains("refuse once")
        && refusals.compareAndSet(0, 1)) { // the next attempt uses another key
      String error = Says.error(Dialect.ANTHROPIC, "rate_limit_error", "slower");
      connection.write(Says.json(429, error, "retry-after: 1"));
      return;
    }
    if (request.isFor("stream")) {
      connection.write(Says.STREAM);
      for (String event : Says.events(Dialect.OPENAI)) {
        connection.chunk(event.replace("\"object\"", "\"model\":\"stream-2026\",\"object\""));
      }
      connection.chunk("");
    } else if (request.isFor("cut")) {
      connection.write(Says.STREAM);
      connection.chunk(Says.events(Dialect.ANTHROPIC).getFirst());
      connection.close();
    } else {
      String usage =
          "\"usage\":{\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":20,";
      connection.write(
          Says.json(
              200,
              Says.answer(Dialect.ANTHROPIC)
                  .replace("\"type\":\"message\"", "\"type\":\"message\",\"model\":\"m-2026\"")
                  .replace("\"usage\":{", usage)));
    }
  }

  private String newTrace() {
    return "4bf92f3577b34da6a3ce929d0e0e%04x".formatted(traces.incrementAndGet());
  }

  private static Ask in(String trace, String flags, Ask ask) {
    return ask.header("traceparent: 00-" + trace + "-" + CALLER + "-" + flags)
        .header("tracestate: " + VENDOR);
  }

  private Answer ask(Ask ask) throws IOException {
    return RawClient.ask(replicas.port(0), ask);
  }

  /** The spans of a trace when that of the request, which is sent last, has come. */
  private List<Span> spans(String trace) throws Exception {
    Await.until(
        "the request's span arrives",
        () -> collector.trace(trace).stream().anyMatch(span -> span.kind() == 2));
    return collector.trace(trace);
  }

  private static Span request(List<Span> spans) {
    return spans.stream().filter(span -> span.kind() == 2).findFirst().orElseThrow();
  }

  private static List<Span> attempts(List<Span> spans) {
    return spans.stream().filter(span -> span.kind() == 3).toList();
  }

  private static List<String> outcomes(List<Span> spans) {
    return spans.stream()
        .filter(span -> span.name().equals("acquire"))
        .map(span -> span.get("relay.acquire.outcome"))
        .toList();
  }

  private List<RawProvider.Received> received(String trace) {
    return provider.received().stream()
        .filter(request -> request.headers().toString().contains(trace))
        .toList();
  }

  private static List<String> lines(RawProvider.Received request, String name) {
    return request.headers().stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .toList();
  }

  @Test
  void a_clients_trace_is_continued_through_each_attempt() throws Exception {
    String trace = newTrace();
    Answer answer =
        ask(in(trace, "01", Ask.of(Dialect.ANTHROPIC, "two").header("x-test: refuse once")));
    assertEquals(200, answer.status(), answer::toString);

    List<Span> spans = spans(trace);
    Span request = request(spans);
    assertEquals("POST /v1/messages", request.name());
    assertEquals(CALLER, request.parent());
    assertEquals("relay", request.service());
    assertEquals("200", request.get("http.response.status_code"));
    assertEquals("/v1/messages", request.get("http.route"));
    assertEquals("2", request.get("relay.attempts"));
    assertEquals(answer.header("x-relay-request-id"), request.get("relay.request_id"));
    assertEquals(List.of("granted", "granted"), outcomes(spans));
    spans.stream()
        .filter(span -> span.kind() != 2)
        .forEach(span -> assertEquals(request.id(), span.parent(), span::toString));

    List<Span> attempts = attempts(spans);
    assertEquals(2, attempts.size(), attempts::toString);
    Span refused = attempts.getFirst();
    assertEquals("429", refused.get("error.type"));
    assertEquals(2, refused.status());
    assertEquals("", refused.get("gen_ai.usage.input_tokens"));

    Span good = attempts.getLast();
    assertEquals("chat two", good.name());
    assertEquals("chat", good.get("gen_ai.operation.name"));
    assertEquals("anthropic", good.get("gen_ai.provider.name"));
    assertEquals("two", good.get("gen_ai.request.model"));
    assertEquals("m-2026", good.get("gen_ai.response.model"));
    assertEquals("127.0.0.1", good.get("server.address"));
    assertEquals(Integer.toString(provider.port()), good.get("server.port"));
    assertEquals("127", good.get("gen_ai.usage.input_tokens")); // with what the cache held
    assertEquals("100", good.get("gen_ai.usage.cache_read.input_tokens"));
    assertEquals("20", good.get("gen_ai.usage.cache_write.input_tokens"));
    assertEquals("3", good.get("gen_ai.usage.output_tokens"));
    assertEquals("1", good.get("http.request.resend_count"));
    assertEquals("", good.get("error.type"));
    assertEquals(answer.header("x-relay-key"), good.get("relay.key"));

    List<RawProvider.Received> received = received(trace);
    assertEquals(2, received.size());
    for (int n = 0; n < 2; n++) {
      assertEquals(
          List.of("00-" + trace + "-" + attempts.get(n).id() + "-01"),
          lines(received.get(n), "traceparent"));
      assertEquals(List.of(VENDOR), lines(received.get(n), "tracestate"));
    }
  }

  @Test
  void a_stream_has_its_model_and_usage_and_lasts_to_its_end() throws Exception {
    String trace = newTrace();
    Answer answer = ask(in(trace, "01", Ask.stream(Dialect.OPENAI, "stream")));
    assertEquals(200, answer.status(), answer::toString);
    List<Span> spans = spans(trace);
    Span attempt = attempts(spans).getFirst();
    assertEquals("true", attempt.get("gen_ai.request.stream"));
    assertEquals("openai", attempt.get("gen_ai.provider.name"));
    assertEquals("stream-2026", attempt.get("gen_ai.response.model"));
    assertEquals("7", attempt.get("gen_ai.usage.input_tokens"));
    assertEquals("3", attempt.get("gen_ai.usage.output_tokens"));
    assertEquals("", attempt.get("error.type"));
    assertTrue(attempt.endNanos() <= request(spans).endNanos(), spans::toString);
  }

  @Test
  void a_broken_stream_is_an_error_of_its_attempt() throws Exception {
    String trace = newTrace();
    ask(in(trace, "01", Ask.stream(Dialect.ANTHROPIC, "cut")));
    assertEquals("loss", attempts(spans(trace)).getFirst().get("error.type"));
  }

  @Test
  void an_unreachable_provider_is_an_error_of_attempt_and_request() throws Exception {
    String trace = newTrace();
    Answer answer = ask(in(trace, "01", Ask.of(Dialect.ANTHROPIC, "away")));
    List<Span> spans = spans(trace);
    assertEquals("refused", attempts(spans).getFirst().get("error.type"));
    assertEquals(Integer.toString(answer.status()), request(spans).get("error.type"));
    assertEquals(2, request(spans).status());
  }

  @Test
  void a_refusal_tells_its_reason() throws Exception {
    assertEquals(200, ask(Ask.of(Dialect.ANTHROPIC, "small")).status());
    String trace = newTrace();
    assertEquals(429, ask(in(trace, "01", Ask.of(Dialect.ANTHROPIC, "small"))).status());
    List<Span> spans = spans(trace);
    assertEquals(List.of("requests"), outcomes(spans));
    assertEquals(List.of(), attempts(spans));
    assertEquals("429", request(spans).get("http.response.status_code"));
    assertEquals(0, request(spans).status());

    assertEquals(200, ask(Ask.of(Dialect.ANTHROPIC, "two").from("poor")).status());
    String ofClient = newTrace();
    assertEquals(
        429, ask(in(ofClient, "01", Ask.of(Dialect.ANTHROPIC, "two").from("poor"))).status());
    assertEquals(List.of("client_requests"), outcomes(spans(ofClient)));
    assertEquals("poor", request(spans(ofClient)).get("relay.client"));
  }

  @Test
  void a_call_about_a_lease_is_in_its_workers_trace_and_does_not_name_the_lease() throws Exception {
    String acquire = newTrace();
    String wish = "{\"model\":\"two\",\"input_tokens\":1}";
    Answer answer =
        ask(in(acquire, "01", LeaseWorkers.ask("worker", "POST", LeaseWorkers.LEASES, wish)));
    assertEquals(200, answer.status(), answer::text);
    Span first = request(spans(acquire));
    assertEquals("POST " + LeaseWorkers.LEASES, first.name());
    assertEquals(CALLER, first.parent());
    assertEquals(List.of("granted"), outcomes(spans(acquire)));

    String settle = newTrace();
    String path = LeaseWorkers.path(answer.json(), "settle");
    ask(in(settle, "01", LeaseWorkers.ask("worker", "POST", path, "{}")));
    Span last = request(spans(settle));
    String lease = answer.json().get("lease").asText().substring(0, 8);
    assertEquals("POST " + LeaseWorkers.LEASES + "/{lease}/settle", last.name());
    assertEquals(LeaseWorkers.LEASES + "/" + lease + "/settle", last.get("url.path"));
    assertEquals(lease, last.get("relay.lease"));
    assertEquals(lease, first.get("relay.lease"));
    assertEquals("worker", last.get("relay.client"));
  }

  @Test
  void a_trace_that_is_not_sampled_goes_on_unsampled() throws Exception {
    String trace = newTrace();
    assertEquals(200, ask(in(trace, "00", Ask.of(Dialect.ANTHROPIC, "two"))).status());
    String passed = lines(received(trace).getFirst(), "traceparent").getFirst();
    assertTrue(passed.startsWith("00-" + trace + "-") && passed.endsWith("-00"), passed);
    assertFalse(passed.contains(CALLER), passed);
    String next = newTrace();
    assertEquals(200, ask(in(next, "01", Ask.of(Dialect.ANTHROPIC, "two"))).status());
    spans(next); // spans are sent in their order
    assertEquals(List.of(), collector.trace(trace));
  }

  @Test
  void a_wrong_parent_begins_a_new_trace() throws Exception {
    Answer answer = ask(Ask.of(Dialect.ANTHROPIC, "two").header("traceparent: " + INVALID));
    String id = String.valueOf(answer.header("x-relay-request-id"));
    Await.until(
        "its span arrives",
        () -> collector.spans().stream().anyMatch(s -> s.get("relay.request_id").equals(id)));
    Span span =
        collector.spans().stream()
            .filter(s -> s.get("relay.request_id").equals(id))
            .findFirst()
            .orElseThrow();
    assertEquals("", span.parent());
    assertNotEquals("", span.trace().replace("0", ""));
    RawProvider.Received passed = received(span.trace()).getFirst();
    assertEquals(1, lines(passed, "traceparent").size(), passed.headers()::toString);
  }

  @Test
  void a_replica_that_stops_sends_what_is_left() throws Exception {
    String trace = newTrace();
    try (Replicas stopping =
        setup()
            .environment("OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url())
            .environment("OTEL_BSP_SCHEDULE_DELAY=600000")
            .start(1)) {
      Ask ask = in(trace, "01", Ask.of(Dialect.ANTHROPIC, "two"));
      assertEquals(200, RawClient.ask(stopping.port(0), ask).status());
      stopping.get(0).close(); // SIGTERM
      assertEquals(1, attempts(spans(trace)).size());
    }
  }

  @Test
  void without_an_endpoint_nothing_is_loaded_and_the_headers_pass(@TempDir Path directory)
      throws Exception {
    Path classes = directory.resolve("classes");
    String trace = newTrace();
    try (Replicas untraced = setup().jvm("-Xlog:class+load:file=" + classes).start(1)) {
      Ask ask = in(trace, "01", Ask.of(Dialect.ANTHROPIC, "two"));
      assertEquals(200, RawClient.ask(untraced.port(0), ask).status());
      assertEquals(
          List.of("00-" + trace + "-" + CALLER + "-01"),
          lines(received(trace).getFirst(), "traceparent"));
      assertEquals(List.of(VENDOR), lines(received(trace).getFirst(), "tracestate"));
      List<String> loaded = Files.readAllLines(classes);
      assertTrue(loaded.stream().anyMatch(line -> line.contains(" relay.trace.Tracing ")));
      assertEquals(
          List.of(),
          loaded.stream()
              .filter(
                  line -> line.contains(" io.opentelemetry.") || line.contains(" relay.trace.Otlp"))
              .toList());
    }
  }
}
