package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;

/**
 * A provider ends its answers on a kept connection in unusual ways. The next request gets its own
 * answer, is sent once, and a client of another provider is served meanwhile.
 */
@Tag("slow")
class OddAnswersTest {
  private static final Dialect DIALECT = Dialect.ANTHROPIC;
  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
  private static final String CHUNKED = OK + "transfer-encoding: chunked\r\n";
  private static final String FOREIGN = Says.json(200, "{\"of\":\"another client\"}");

  /** What the provider writes, and the status that its client gets. */
  private static Map<String, Integer> answers() {
    Map<String, Integer> all = new LinkedHashMap<>();
    all.put("HTTP/1.1 304 Not Modified\r\ncontent-length: 21\r\n\r\n", 304);
    all.put("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", 304);
    all.put("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", 204);
    all.put(OK + "content-length: 2\r\n\r\n{}" + FOREIGN, 200);
    all.put("HTTP/1.1 304 Not Modified\r\ncontent-length: 21\r\n\r\n" + FOREIGN, 304);
    all.put("HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(100) + FOREIGN, 200);
    all.put(
        OK + ("x-a: " + "b".repeat(900) + "\r\n").repeat(70) + "content-length: 2\r\n\r\n{}", 200);
    all.put(CHUNKED + "\r\n2;a=\"" + "b".repeat(2_000) + "\"\r\n{}\r\n0;c\r\n\r\n", 200);
    all.put(CHUNKED + "\r\n2\r\n{}\r\n0\r\ncontent-length: 7\r\nx-b: c\r\n\r\n", 200);
    all.put(CHUNKED + "\r\n2\r\n{}\r\n0\r\n\r\n" + FOREIGN, 200);
    all.put(OK + "content-length: 0\r\nconnection: close\r\n\r\n", 200);
    return all;
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "TLS_H1"})
  void the_next_request_gets_its_own_answer(ProviderWire wire) throws Exception {
    AtomicInteger number = new AtomicInteger();
    try (RawProvider odd = new RawProvider(wire, (request, connection) -> {});
        RawProvider other = RawProvider.fine(DIALECT);
        Replicas replicas =
            new Setup()
                .provider("odd", DIALECT, odd, Setup.key("a"))
                .provider("other", DIALECT, other, Setup.key("b"))
                .start(1)) {
      RawProvider.Script good =
          (request, connection) -> connection.write(Says.json(200, "{\"n\":" + number.get() + "}"));
      for (Map.Entry<String, Integer> each : answers().entrySet()) {
        String answer = each.getKey();
        String what = answer.substring(0, Math.min(90, answer.length()));
        for (int n = 0; n < 2; n++) {
          try (RawClient client = new RawClient(replicas.port(0))) {
            odd.script((request, connection) -> connection.write(answer));
            int before = odd.received().size();
            client.send(Ask.of(DIALECT, "odd"));
            boolean bodiless = each.getValue() == 204 || each.getValue() == 304;
            int status = bodiless ? client.head().status() : client.answer().status();
            assertEquals(each.getValue(), status, what);
            assertEquals(before + 1, odd.received().size(), what);
            odd.script(good);
            number.incrementAndGet();
            client.send(Ask.of(DIALECT, "odd"));
            assertEquals("{\"n\":" + number + "}", client.answer().text(), what);
            assertEquals(before + 2, odd.received().size(), what);
            assertEquals(200, ask(replicas, "other").status());
          }
        }
      }
    }
  }

  @Test
  void a_provider_that_never_ends_its_interim_answers_harms_nobody_else() throws Exception {
    byte[] interim = "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(500).getBytes(UTF_8);
    CountDownLatch began = new CountDownLatch(1);
    try (RawProvider odd =
            new RawProvider(
                (request, connection) -> {
                  began.countDown();
                  while (true) {
                    connection.write(interim);
                  }
                });
        RawProvider other = RawProvider.fine(DIALECT);
        Replicas replicas =
            new Setup()
                .provider("odd", DIALECT, odd, Setup.key("a"))
                .provider("other", DIALECT, other, Setup.key("b"))
                .start(1);
        RawClient client = new RawClient(replicas.port(0))) {
      client.send(Ask.of(DIALECT, "odd"));
      assertTrue(began.await(20, TimeUnit.SECONDS));
      for (int n = 0; n < 5; n++) {
        assertEquals(200, ask(replicas, "other").status());
      }
      Answer answer = client.answer();
      assertEquals(502, answer.status(), answer.toString());
    }
  }

  private static Answer ask(Replicas replicas, String model) throws Exception {
    return RawClient.ask(replicas.port(0), Ask.of(DIALECT, model));
  }
}
