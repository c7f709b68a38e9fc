package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Messages and connections that end in unusual ways, as RFC 9112 has it. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConnectionEndsTest {
  private static final int IDLE_TIMEOUT_MS = 4_000;
  private static final int FLOOD_BYTES = 8 << 20;

  /**
   * Over more than the timeout, so that the provider seems silent. In each quarter of it so much
   * that the system lets Relay write: it does once a third of its buffer of 4 MB is free.
   */
  private static final int SLOW_READS = 6;

  private static final int SLOW_READ_BYTES = 512 * 1024;

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .server("idle_timeout_ms: " + IDLE_TIMEOUT_MS)
          .server("max_body_bytes: 20000000")
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .provider("cut", Dialect.ANTHROPIC, provider.url(), Setup.key("b"))
          .provider("wrong", Dialect.ANTHROPIC, provider.url(), Setup.key("c"))
          .provider("wrong-too", Dialect.ANTHROPIC, provider.url(), Setup.key("d"))
          .start(1);

  ConnectionEndsTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask() {
    return Ask.of(Dialect.ANTHROPIC, "anthropic");
  }

  private Answer answer(Ask ask) throws Exception {
    return RawClient.ask(replicas.port(0), ask);
  }

  @ParameterizedTest
  @CsvSource({"wrong,-5", "wrong-too,x"}) // each has a breaker of its own
  void an_answer_with_a_wrong_length_is_an_error_of_the_provider(String model, String length)
      throws Exception {
    provider.script(
        (request, connection) ->
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: " + length + "\r\n\r\nhello"));
    Answer answer = answer(Ask.of(Dialect.ANTHROPIC, model));
    assertEquals(502, answer.status(), answer.toString());
  }

  @Test
  void an_answer_without_a_length_ends_with_its_connection() throws Exception {
    provider.script(
        (request, connection) -> {
          String json = Says.answer(Dialect.ANTHROPIC);
          connection.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + json);
          connection.close();
        });
    Answer answer = answer(ask());
    assertEquals(200, answer.status());
    assertTrue(answer.whole());
    assertEquals(Says.answer(Dialect.ANTHROPIC), answer.text());
  }

  @Test
  void a_stream_without_a_length_that_is_cut_is_no_complete_one() throws Exception {
    provider.script(
        (request, connection) -> {
          String first = Says.events(Dialect.ANTHROPIC).getFirst();
          connection.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + first);
          connection.close();
        });
    Answer answer = answer(Ask.stream(Dialect.ANTHROPIC, "cut"));
    assertEquals(200, answer.status());
    assertFalse(answer.whole());
    assertTrue(answer.text().contains("event: error"), answer.text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"\r\n", "\n", "\r\n\r\n"})
  void empty_lines_after_a_body_are_ignored(String lines) throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    try (RawClient client = new RawClient(replicas.port(0))) {
      for (int n = 0; n < 3; n++) {
        client.send(ask()).send(lines.getBytes(UTF_8));
        assertEquals(200, client.answer().status());
      }
    }
  }

  @Test
  void a_client_that_half_closes_has_left() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          connection.awaitClosed();
          cancelled.countDown();
        });
    try (RawClient client = new RawClient(replicas.port(0))) {
      client.send(ask());
      assertTrue(asked.await(10, TimeUnit.SECONDS));
      client.finish();
      assertTrue(cancelled.await(2, TimeUnit.SECONDS), "the request goes on");
      assertThrows(EOFException.class, client::head);
    }
  }

  @Test
  void an_early_answer_to_a_body_that_is_not_read_passes() throws Exception {
    String refusal = Says.json(422, "{\"type\":\"error\"}");
    CountDownLatch over = new CountDownLatch(1);
    try (EarlyProvider early = new EarlyProvider(refusal, over);
        Replicas other =
            new Setup()
                .server("max_body_bytes: 20000000")
                .server("idle_timeout_ms: 15000")
                .provider("anthropic", Dialect.ANTHROPIC, early.url(), Setup.key("a"))
                .start(1)) {
      String body = Ask.body("anthropic", "\"x\":\"" + "y".repeat(12_000_000) + "\",");
      long began = System.nanoTime();
      Answer answer = RawClient.ask(other.port(0), ask().body(body));
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      assertEquals(422, answer.status(), answer.toString());
      assertEquals("{\"type\":\"error\"}", answer.text());
      assertTrue(took < 10_000, took + " ms");
    } finally {
      over.countDown();
    }
  }

  @Test
  void a_client_that_reads_slowly_is_not_taken_for_a_silent_provider() throws Exception {
    byte[] part = ("event: ping\ndata: " + "x".repeat(64 * 1024) + "\n\n").getBytes(UTF_8);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          for (int sent = 0; sent < FLOOD_BYTES; sent += part.length) {
            connection.chunk(part);
          }
          for (String event : Says.events(Dialect.ANTHROPIC)) {
            connection.chunk(event);
          }
          connection.chunk("");
        });
    try (RawClient client = new RawClient(replicas.port(0), 4096)) {
      client.send(Ask.stream(Dialect.ANTHROPIC, "anthropic")).head();
      byte[] some = new byte[16 * 1024];
      int read = 0;
      for (int n = 1; n <= SLOW_READS; n++) {
        while (read < n * SLOW_READ_BYTES) {
          read += client.read(some);
        }
        Await.moment(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IDLE_TIMEOUT_MS / 4));
      }
      Answer answer = client.rest();
      assertTrue(answer.whole(), "the answer was cut after " + answer.body().length + " bytes");
      assertTrue(read + answer.body().length > FLOOD_BYTES);
    }
  }
}
