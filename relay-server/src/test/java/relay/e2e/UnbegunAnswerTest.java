package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A provider that breaks between the head of its answer and the first byte of the body: the client
 * has got nothing, so the next key is tried, and the client never sees a bare end of its
 * connection.
 */
@Tag("slow")
class UnbegunAnswerTest {
  private static final Dialect DIALECT = Dialect.ANTHROPIC;
  private static final String CHUNKED =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
  private static final String LONG =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 70000\r\n\r\n";
  private static final String SHORT =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 70\r\n\r\n";

  /** One request's end. */
  private enum End {
    CHUNKED_CLOSES(CHUNKED, false),
    CHUNKED_RESETS(CHUNKED, true),
    LONG_CLOSES(LONG, false),
    LONG_RESETS(LONG, true),
    SHORT_CLOSES(SHORT, false),
    SHORT_RESETS(SHORT, true),
    STREAM_CLOSES(Says.STREAM, false),
    STREAM_RESETS(Says.STREAM, true),
    WRONG_CHUNK_SIZE(CHUNKED + "zz\r\n{}\r\n0\r\n\r\n", false),
    NEGATIVE_CHUNK_SIZE(CHUNKED + "-2\r\n{}\r\n0\r\n\r\n", false),
    CHUNK_SIZE_ENDS(CHUNKED + "1", false),
    CHUNK_WITHOUT_DATA(CHUNKED + "1f\r\n", true),
    STREAM_WITH_WRONG_CHUNK_SIZE(Says.STREAM + "zz\r\n", false),
    STREAM_WITHOUT_EVENTS(Says.STREAM + "0\r\n\r\n", false);

    private final String wire;
    private final boolean resets;

    End(String wire, boolean resets) {
      this.wire = wire;
      this.resets = resets;
    }

    /** HTTP/2 has no chunks. */
    boolean existsOn(ProviderWire protocol) {
      String body = wire.substring(wire.indexOf("\r\n\r\n") + 4);
      return protocol != ProviderWire.TLS_H2 || body.isEmpty() || isEmptyStream();
    }

    boolean isEmptyStream() {
      return this == STREAM_WITHOUT_EVENTS;
    }

    boolean stream() {
      return wire.startsWith(Says.STREAM);
    }

    void play(RawProvider.Connection connection) throws Exception {
      int body = wire.indexOf("\r\n\r\n") + 4;
      connection.write(wire.substring(0, body));
      if (isEmptyStream()) {
        connection.chunk("");
      } else if (body < wire.length()) {
        connection.write(wire.substring(body));
      }
      if (resets) {
        connection.reset();
      } else {
        connection.close();
      }
    }
  }

  private static Replicas replicas(RawProvider provider, String... server) throws Exception {
    Setup setup =
        new Setup()
            .server("connect_timeout_ms: 60000") // a handshake on a busy machine
            .provider("claude", DIALECT, provider, Setup.key("a"), Setup.key("b"), Setup.key("c"));
    List.of(server).forEach(setup::server);
    return setup.start(1);
  }

  private static Ask ask(boolean stream) {
    return stream ? Ask.stream(DIALECT, "claude") : Ask.of(DIALECT, "claude");
  }

  @ParameterizedTest
  @EnumSource
  void the_next_key_is_tried_and_else_the_client_gets_a_502(ProviderWire wire) throws Exception {
    List<String> wrong = new ArrayList<>();
    try (RawProvider provider = new RawProvider(wire, (request, connection) -> {});
        Replicas replicas = replicas(provider)) {
      for (End end : Stream.of(End.values()).filter(end -> end.existsOn(wire)).toList()) {
        AtomicInteger asked = new AtomicInteger();
        provider.script(
            (request, connection) -> {
              if (asked.getAndIncrement() == 0) {
                end.play(connection);
              } else if (end.stream()) {
                connection.write(Says.STREAM);
                for (String event : Says.events(DIALECT)) {
                  connection.chunk(event);
                }
                connection.chunk("");
              } else {
                connection.write(Says.fine(DIALECT));
              }
            });
        Answer once = RawClient.ask(replicas.port(0), ask(end.stream()));
        if (once.status() != 200 || !once.whole() || asked.get() != 2) {
          wrong.add(end + " once: " + asked + " attempts, " + once);
        }
        asked.set(0);
        provider.script(
            (request, connection) -> {
              asked.incrementAndGet();
              end.play(connection);
            });
        Answer always = RawClient.ask(replicas.port(0), ask(end.stream()));
        if (always.status() != 502 || !always.whole() || asked.get() != 3) {
          wrong.add(end + " always: " + asked + " attempts, " + always);
        }
        isServed(provider, replicas);
      }
    }
    assertTrue(wrong.isEmpty(), String.join("\n", wrong));
  }

  @ParameterizedTest
  @EnumSource
  void a_provider_that_says_nothing_after_its_head_is_a_504(ProviderWire wire) throws Exception {
    try (RawProvider provider =
            new RawProvider(
                wire,
                (request, connection) ->
                    connection.write(
                        request.text().contains("\"stream\"") ? Says.STREAM : CHUNKED));
        Replicas replicas = replicas(provider, "idle_timeout_ms: 1000")) {
      for (boolean stream : List.of(false, true)) {
        Answer answer = RawClient.ask(replicas.port(0), ask(stream));
        Errors.relays(answer, DIALECT, 504, "timeout_error");
      }
    }
  }

  /** Informational answers are no sign of life: the request would never end. */
  @ParameterizedTest
  @EnumSource
  void a_provider_that_sends_only_informational_answers_is_a_504(ProviderWire wire)
      throws Exception {
    try (RawProvider provider =
            new RawProvider(
                wire,
                (request, connection) -> {
                  int[] statuses = {100, 102, 103, 199};
                  for (int n = 0; true; n++) {
                    connection.write("HTTP/1.1 " + statuses[n % 4] + " Go on\r\nx-a: b\r\n\r\n");
                    Await.moment(System.nanoTime() + 1_000_000);
                  }
                });
        Replicas replicas = replicas(provider, "idle_timeout_ms: 1000")) {
      Answer answer = RawClient.ask(replicas.port(0), ask(false));
      Errors.relays(answer, DIALECT, 504, "timeout_error");
    }
  }

  @Test
  void a_status_that_is_none_is_no_answer() throws Exception {
    List<String> none =
        List.of("-20", "-1", "0", "99", "600", "999", "1000", "2147483648", "OK", "");
    try (RawProvider provider = new RawProvider((request, connection) -> {});
        Replicas replicas = replicas(provider)) {
      for (String status : none) {
        AtomicInteger asked = new AtomicInteger();
        String wrong = Says.fine(DIALECT).replace("HTTP/1.1 200", "HTTP/1.1 " + status);
        provider.script(
            (request, connection) ->
                connection.write(asked.getAndIncrement() == 0 ? wrong : Says.fine(DIALECT)));
        Answer answer = RawClient.ask(replicas.port(0), ask(false));
        assertEquals(200, answer.status(), status + ": " + answer);
        assertEquals(2, asked.get(), status);
        isNoAnswer(wrong, provider, replicas);
      }
    }
  }

  @Test
  void a_status_that_is_none_over_http2_is_no_answer() throws Exception {
    try (RawProvider provider = new RawProvider(ProviderWire.TLS_H2, (request, connection) -> {});
        Replicas replicas = replicas(provider)) {
      for (String status : List.of("-20", "600")) {
        String wrong = Says.fine(DIALECT).replace("HTTP/1.1 200", "HTTP/1.1 " + status);
        isNoAnswer(wrong, provider, replicas);
      }
    }
  }

  private static void isNoAnswer(String wrong, RawProvider provider, Replicas replicas)
      throws Exception {
    provider.script((request, connection) -> connection.write(wrong));
    Errors.relays(RawClient.ask(replicas.port(0), ask(false)), DIALECT, 502, "api_error");
    isServed(provider, replicas);
  }

  /** The provider answers eight requests, which keep the breaker closed. */
  private static void isServed(RawProvider provider, Replicas replicas) throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(DIALECT)));
    for (int n = 0; n < 8; n++) {
      assertEquals(200, RawClient.ask(replicas.port(0), ask(false)).status());
    }
  }
}
