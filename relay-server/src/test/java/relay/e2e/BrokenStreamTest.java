package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;
import relay.stream.Encodings;

/** A broken stream never looks complete to the client, whether provider or client breaks it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ParameterizedClass
@EnumSource(ProviderWire.class)
@SuppressWarnings("NullAway.Init") // its @Parameter and start() come first
@Tag("slow")
class BrokenStreamTest {
  private static final Duration SOON = Duration.ofSeconds(1);

  @Parameter private ProviderWire wire;
  private RawProvider provider;
  private Replicas replicas;

  @BeforeParameterizedClassInvocation
  void start() throws Exception {
    provider = new RawProvider(wire, (request, connection) -> {});
    replicas = setup().start(1);
  }

  @AfterParameterizedClassInvocation
  void close() throws Exception {
    replicas.close();
    provider.close();
    for (Received request : provider.received()) {
      assertEquals(wire == ProviderWire.TLS_H2, request.line().endsWith("HTTP/2"));
    }
  }

  private Setup setup() {
    Setup setup = new Setup();
    for (Dialect dialect : Dialect.values()) {
      for (String kind : List.of("broken", "left", "early", "json")) {
        String pool = pool(kind, dialect);
        setup.provider(pool, dialect, provider, Setup.key(pool + "-1"), Setup.key("b" + pool));
      }
    }
    return setup;
  }

  private static String pool(String kind, Dialect dialect) {
    return kind + "-" + dialect.name().toLowerCase(Locale.ROOT);
  }

  /** How a provider breaks off after two events. */
  private enum Break {
    BETWEEN_EVENTS {
      @Override
      void after(Dialect dialect, Connection connection) throws Exception {
        connection.close();
      }
    },
    IN_AN_EVENT {
      @Override
      void after(Dialect dialect, Connection connection) throws Exception {
        connection.chunk(Says.events(dialect).get(2).substring(0, 20));
        connection.close();
      }
    },
    IN_A_CHUNK {
      @Override
      void after(Dialect dialect, Connection connection) throws Exception {
        connection.write("64\r\n" + Says.events(dialect).get(2).substring(0, 9));
        connection.close();
      }
    },
    /** HTTP ends correctly, but the dialect's last event is missing. */
    CLEANLY {
      @Override
      void after(Dialect dialect, Connection connection) throws Exception {
        connection.chunk("");
      }
    };

    abstract void after(Dialect dialect, Connection connection) throws Exception;
  }

  record Case(Dialect dialect, Break how) {}

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (Dialect dialect : Dialect.values()) {
      for (Break how : Break.values()) {
        cases.add(new Case(dialect, how));
      }
    }
    return cases;
  }

  /** Breaks off after two events. */
  private void breaksOff(Dialect dialect, Break how) {
    List<String> events = Says.events(dialect);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(events.get(0));
          connection.chunk(events.get(1));
          how.after(dialect, connection);
        });
  }

  /** Requests of simple clients, and of proxies with HTTP/1.0. */
  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, HTTP/1.1",
    "ANTHROPIC, HTTP/1.0",
    "OPENAI, HTTP/1.1",
    "OPENAI, HTTP/1.0",
  })
  void a_client_that_requests_connection_close_detects_a_broken_stream(
      Dialect dialect, String protocol) throws Exception {
    breaksOff(dialect, Break.BETWEEN_EVENTS);
    Ask ask = Ask.stream(dialect, pool("broken", dialect)).header("connection: close");
    byte[] asked = new String(ask.bytes(), UTF_8).replace("HTTP/1.1", protocol).getBytes(UTF_8);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      Answer answer = wire.send(asked).answer();
      assertEquals(200, answer.status());
      assertFalse(answer.whole(), "it looks complete: " + answer);
      assertErrorEvent(dialect, answer.text());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_stream_that_breaks_ends_with_an_error_event_and_an_aborted_connection(Case broken)
      throws Exception {
    Dialect dialect = broken.dialect();
    breaksOff(dialect, broken.how());
    String pool = pool("broken", dialect);
    int before = provider.received(pool).size();
    Answer answer = RawClient.ask(replicas.port(0), Ask.stream(dialect, pool));
    assertEquals(200, answer.status());
    assertFalse(answer.whole(), "it looks complete: " + answer);
    String begin = String.join("", Says.eventsWithoutUsage(dialect).subList(0, 2));
    assertTrue(answer.text().startsWith(begin), answer.text());
    assertErrorEvent(dialect, answer.text());
    assertEquals(before + 1, provider.received(pool).size(), "it was tried again after a byte");
  }

  /** A compressed stream, complete in HTTP and gzip, but without the dialect's last event. */
  @ParameterizedTest
  @CsvSource({"ANTHROPIC, gzip", "ANTHROPIC, deflate", "OPENAI, gzip", "OPENAI, deflate"})
  void a_compressed_stream_without_its_last_event_does_not_look_complete(
      Dialect dialect, String encoding) throws Exception {
    byte[] packed =
        Encodings.encoded(
            encoding, String.join("", Says.events(dialect).subList(0, 2)).getBytes(UTF_8));
    provider.script(
        (request, connection) -> {
          connection.write(
              Says.STREAM.replace("\r\n\r\n", "\r\ncontent-encoding: " + encoding + "\r\n\r\n"));
          connection.chunk(packed);
          connection.chunk("");
        });
    Ask ask = Ask.stream(dialect, pool("broken", dialect)).header("accept-encoding: " + encoding);
    Answer answer = RawClient.ask(replicas.port(0), ask);
    assertEquals(200, answer.status());
    assertFalse(answer.whole(), "it looks complete");
  }

  /** Checks the last event, separate from all earlier ones. */
  private static void assertErrorEvent(Dialect dialect, String text) throws Exception {
    assertTrue(text.endsWith("\n\n"), text);
    List<String> events = List.of(text.split("\n\n", -1));
    String last = events.get(events.size() - 2);
    String data =
        switch (dialect) {
          case ANTHROPIC -> {
            assertTrue(last.startsWith("event: error\ndata: "), text);
            yield last.substring("event: error\ndata: ".length());
          }
          case OPENAI -> {
            assertTrue(last.startsWith("data: "), text);
            yield last.substring("data: ".length());
          }
        };
    JsonNode json = new ObjectMapper().readTree(data);
    assertEquals("api_error", json.get("error").get("type").asText());
    assertFalse(json.get("error").get("message").asText().isBlank());
  }

  @ParameterizedTest
  @EnumSource
  void an_error_event_of_the_provider_passes_once_and_none_is_added(Dialect dialect)
      throws Exception {
    String error =
        (dialect == Dialect.ANTHROPIC ? "event: error\n" : "")
            + "data: "
            + Says.error(dialect, "overloaded_error", "too much")
            + "\n\n";
    String begin = Says.eventsWithoutUsage(dialect).getFirst();
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(Says.events(dialect).getFirst());
          connection.chunk(error);
          connection.chunk("");
        });
    Answer answer = RawClient.ask(replicas.port(0), Ask.stream(dialect, pool("broken", dialect)));
    assertTrue(answer.whole(), answer.toString());
    assertEquals(begin + error, answer.text());
  }

  @ParameterizedTest
  @EnumSource
  void a_client_that_leaves_a_stream_cancels_the_call_to_the_provider(Dialect dialect)
      throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(Says.events(dialect).getFirst());
          connection.awaitClosed();
          closed.countDown();
        });
    String pool = pool("left", dialect);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Ask.stream(dialect, pool)).head().readTo("\n\n");
    }
    assertTrue(closed.await(SOON.toMillis(), TimeUnit.MILLISECONDS), "the call goes on");
    // anthropic has reported its input; the output is charged as reserved
    String input = dialect == Dialect.ANTHROPIC ? "7" : "[1-9]\\d*";
    replicas.awaitLine(
        pool, pool + "-1/default", "rpm 1/- itpm " + input + "/- otpm [1-9]\\d*/- inflight 0");
  }

  @ParameterizedTest
  @EnumSource
  void a_client_that_leaves_before_the_first_byte_cancels_the_call_to_the_provider(Dialect dialect)
      throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          connection.awaitClosed();
          closed.countDown();
        });
    String pool = pool("early", dialect);
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Ask.stream(dialect, pool));
      assertTrue(asked.await(10, TimeUnit.SECONDS));
    }
    assertTrue(closed.await(SOON.toMillis(), TimeUnit.MILLISECONDS), "the call goes on");
    replicas.awaitLine(pool, pool + "-1/default", "rpm 1/- .* inflight 0");
    assertEquals(1, provider.received(pool).size(), "retried although the client had left");
  }

  @ParameterizedTest
  @EnumSource
  void a_json_answer_that_breaks_off_is_a_bad_gateway(Dialect dialect) throws Exception {
    String fine = Says.fine(dialect);
    provider.script(
        (request, connection) -> {
          connection.write(fine.substring(0, fine.length() - 5));
          connection.close();
        });
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, pool("json", dialect)));
    Errors.relays(answer, dialect, 502, "api_error");
  }

  @Test
  void a_large_json_answer_that_breaks_off_is_broken_for_the_client_too() throws Exception {
    provider.script(
        (request, connection) -> {
          connection.write(Says.json(200, "x".repeat(200_000)).substring(0, 150_000));
          connection.close();
        });
    Answer answer =
        RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, pool("json", Dialect.OPENAI)));
    assertEquals(200, answer.status());
    assertFalse(answer.whole());
  }
}
