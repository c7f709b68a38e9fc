package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** What a replica forwards unchanged, removes and adds. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PassThroughTest {
  private static final String MAPPED = "claude-4-5-20250929";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .provider("openai", Dialect.OPENAI, provider.url() + "/v1", Setup.key("o"))
          .provider(
              "mapping",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of("models: [nickname]", "model_mapping: { nickname: " + MAPPED + " }"),
              List.of(Setup.key("m")))
          .start(1);

  PassThroughTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private void everyAnswerIs(String bytes) {
    provider.script((request, connection) -> connection.write(bytes));
  }

  private static String name(Dialect dialect) {
    return dialect.name().toLowerCase(Locale.ROOT);
  }

  private Received sent(Ask ask) throws Exception {
    Answer answer = RawClient.ask(replicas.port(0), ask);
    assertEquals(200, answer.status(), answer.toString());
    return provider.received().getLast();
  }

  @ParameterizedTest
  @EnumSource
  void query_unknown_headers_and_unknown_members_pass(Dialect dialect) throws Exception {
    everyAnswerIs(Says.fine(dialect));
    String body =
        " {\"zeta\" : [1, 2.50, 1e3, \"\\u00e9 é\"],\r\n\t\"model\":\"%s\", \"messages\":[ ], \"\":null } \n"
            .formatted(name(dialect));
    Ask ask = Ask.of(dialect, "").body(body);
    String target = dialect == Dialect.ANTHROPIC ? "/v1/messages" : "/v1/chat/completions";
    Received sent =
        sent(
            ask.target(target + "?beta=true&x=%2F%20a+b")
                .header("Anthropic-Beta: one,two")
                .header("X-Unknown:  some value ")
                .header("x-twice: 1")
                .header("x-twice: 2")
                .header("user-agent: tester/1.0"));
    assertEquals("POST " + target + "?beta=true&x=%2F%20a+b HTTP/1.1", sent.line());
    assertArrayEquals(body.getBytes(UTF_8), sent.body());
    assertEquals("one,two", sent.header("anthropic-beta"));
    assertEquals("some value", sent.header("x-unknown"));
    assertEquals("tester/1.0", sent.header("user-agent"));
    assertEquals(
        List.of("1", "2"),
        sent.headers().stream()
            .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("x-twice:"))
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .toList());
    String type = sent.header("content-type");
    assertEquals("application/json", type);
  }

  @ParameterizedTest
  @EnumSource
  void credentials_and_hop_by_hop_headers_and_relays_own_are_not_forwarded(Dialect dialect)
      throws Exception {
    everyAnswerIs(Says.fine(dialect));
    Received sent =
        sent(
            Ask.of(dialect, name(dialect))
                .credential("x-api-key: " + Ask.CLIENT_KEY)
                .header("authorization: Bearer " + Ask.CLIENT_KEY)
                .header("api-key: " + Ask.CLIENT_KEY)
                .header("connection: keep-alive, x-mine")
                .header("keep-alive: timeout=5")
                .header("x-mine: hop")
                .header("te: trailers")
                .header("proxy-authorization: Basic abc")
                .header("x-relay-key: forged")
                .header("x-relay-anything: 1"));
    String head = String.join("\n", sent.headers()).toLowerCase(Locale.ROOT);
    assertFalse(head.contains(Ask.CLIENT_KEY), head);
    for (String name :
        List.of("x-mine", "keep-alive:", "te:", "proxy-authorization", "x-relay-", "\napi-key")) {
      assertFalse(head.contains(name), name + " in " + head);
    }
    assertEquals(Setup.secret(dialect == Dialect.ANTHROPIC ? "a" : "o"), sent.key());
    assertEquals("identity", sent.header("accept-encoding"));
    assertTrue(provider.url().endsWith(String.valueOf(sent.header("host"))), head);
  }

  @ParameterizedTest
  @EnumSource
  void upstream_headers_pass_except_rate_limits_and_hop_by_hop(Dialect dialect) throws Exception {
    everyAnswerIs(
        Says.json(
            200,
            Says.answer(dialect),
            "request-id: req_theirs",
            "x-other: 1",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "anthropic-ratelimit-requests-remaining: 4",
            "anthropic-priority-input-tokens-limit: 4",
            "x-ratelimit-remaining-tokens: 4",
            "connection: x-hop",
            "x-hop: 1",
            "x-relay-key: forged"));
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, name(dialect)));
    assertEquals(Says.answer(dialect), answer.text());
    assertEquals("req_theirs", answer.header("request-id"));
    assertEquals("1", answer.header("x-other"));
    assertEquals(2, answer.headers().stream().filter(l -> l.startsWith("set-cookie:")).count());
    assertNull(answer.header("anthropic-ratelimit-requests-remaining"));
    assertNull(answer.header("anthropic-priority-input-tokens-limit"));
    assertNull(answer.header("x-ratelimit-remaining-tokens"));
    assertNull(answer.header("x-hop"));
    assertNull(answer.header("x-relay-error-origin"));
    assertEquals(name(dialect), answer.header("x-relay-provider"));
    assertEquals(dialect == Dialect.ANTHROPIC ? "a" : "o", answer.header("x-relay-key"));
    assertEquals("1", answer.header("x-relay-attempts"));
    String id = answer.header("x-relay-request-id");
    assertTrue(id != null && id.startsWith("req_"), answer.toString());
  }

  @Test
  void a_mapped_model_changes_its_value_and_no_other_byte() throws Exception {
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    String body = "{ \"a\":\"nickname\" ,\t\"model\" : \"nick\\u006eame\",\"b\":[\"nickname\"]}";
    Received sent = sent(Ask.of(Dialect.ANTHROPIC, "").body(body));
    assertEquals(body.replace("nick\\u006eame", MAPPED), sent.text());
  }

  @ParameterizedTest
  @EnumSource
  void a_large_body_passes_with_length_or_chunked(Dialect dialect) throws Exception {
    everyAnswerIs(Says.fine(dialect));
    byte[] noise = new byte[5_000_000];
    new Random(5).nextBytes(noise);
    for (int n = 0; n < noise.length; n++) {
      noise[n] = (byte) ('a' + (noise[n] & 15));
    }
    String members = "\"noise\":\"" + new String(noise, UTF_8) + "\",";
    byte[] body = Ask.body(name(dialect), members).getBytes(UTF_8);
    assertArrayEquals(body, sent(Ask.of(dialect, "").body(body)).body());
    assertArrayEquals(body, sent(Ask.of(dialect, "").body(body).chunked(70_001)).body());
  }

  @ParameterizedTest
  @EnumSource
  void a_large_answer_passes_byte_for_byte(Dialect dialect) throws Exception {
    String body = "{\"text\":\"" + "0123456789".repeat(300_000) + "\",\"usage\":{}}";
    everyAnswerIs(Says.json(200, body));
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, name(dialect)));
    assertTrue(answer.whole());
    assertEquals(body, answer.text());
  }

  @ParameterizedTest
  @EnumSource
  void a_stream_in_random_pieces_passes_byte_for_byte(Dialect dialect) throws Exception {
    Random random = new Random(11);
    List<String> events = new ArrayList<>(Says.events(dialect));
    for (int n = 0; n < 200; n++) {
      String text = "abcdefgh".repeat(random.nextInt(random.nextInt(5) == 0 ? 3000 : 20)) + n;
      events.add(1, Says.events(dialect).get(1).replace("i\"", text + "\""));
    }
    byte[] stream = String.join("", events).getBytes(UTF_8);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          for (int from = 0; from < stream.length; ) {
            int length = 1 + random.nextInt(random.nextBoolean() ? 40 : 12_000);
            int to = Math.min(stream.length, from + length);
            connection.chunk(Arrays.copyOfRange(stream, from, to));
            from = to;
            if (random.nextInt(3) == 0) {
              LockSupport.parkNanos(random.nextInt(2_000_000));
            }
          }
          connection.chunk("");
        });
    Answer answer = RawClient.ask(replicas.port(0), Ask.stream(dialect, name(dialect)));
    assertTrue(answer.whole());
    String expected =
        String.join("", events.stream().filter(e -> !e.contains("\"choices\":[]")).toList())
            .replace(",\"usage\":null", "");
    assertEquals(expected, answer.text());
  }

  @Test
  void a_connection_serves_many_requests_also_pipelined() throws Exception {
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    try (RawClient wire = new RawClient(replicas.port(0))) {
      for (int n = 0; n < 20; n++) {
        assertEquals(200, wire.send(Ask.of(Dialect.ANTHROPIC, "anthropic")).answer().status());
      }
      // refused requests leave the connection usable, too
      assertEquals(404, wire.send(Ask.of(Dialect.ANTHROPIC, "unknown")).answer().status());
      Ask noKey = Ask.of(Dialect.ANTHROPIC, "anthropic").credential("");
      assertEquals(401, wire.send(noKey).answer().status());
      ByteArrayOutputStream ahead = new ByteArrayOutputStream();
      for (int n = 0; n < 10; n++) {
        ahead.writeBytes(Ask.of(Dialect.ANTHROPIC, "anthropic").header("x-n: " + n).bytes());
      }
      int before = provider.received().size();
      wire.send(ahead.toByteArray());
      for (int n = 0; n < 10; n++) {
        assertEquals(200, wire.answer().status(), "the pipelined request " + n);
        assertEquals("" + n, provider.received().get(before + n).header("x-n"));
      }
    }
  }

  @Test
  void the_root_answers_probes_without_a_credential() throws Exception {
    for (String method : List.of("GET", "HEAD")) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "").method(method).target("/").credential("");
      assertEquals(200, RawClient.ask(replicas.port(0), ask).status());
    }
  }

  @Test
  void a_slow_reader_slows_down_only_itself() throws Exception {
    int parts = 400;
    byte[] part = ("data: " + "x".repeat(64 * 1024) + "\n\n").getBytes(UTF_8);
    CountDownLatch all = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          if (request.isFor("openai")) {
            connection.write(Says.STREAM);
            for (int n = 0; n < parts; n++) {
              connection.chunk(part);
            }
            connection.chunk("data: [DONE]\n\n");
            connection.chunk("");
            all.countDown();
          } else {
            connection.write(Says.fine(Dialect.ANTHROPIC));
          }
        });
    try (RawClient slow = new RawClient(replicas.port(0), 4096)) {
      slow.send(Ask.stream(Dialect.OPENAI, "openai")).head();
      assertFalse(all.await(300, TimeUnit.MILLISECONDS), "25 MB were buffered");
      try (RawClient quick = new RawClient(replicas.port(0))) {
        for (int n = 0; n < 50; n++) {
          long began = System.nanoTime();
          assertEquals(200, quick.send(Ask.of(Dialect.ANTHROPIC, "anthropic")).answer().status());
          Duration took = Duration.ofNanos(System.nanoTime() - began);
          assertTrue(took.compareTo(Duration.ofSeconds(2)) < 0, took.toString());
        }
      }
      Answer rest = slow.rest();
      assertTrue(rest.whole());
      assertEquals(parts * part.length + "data: [DONE]\n\n".length(), rest.body().length);
    }
    assertTrue(all.await(5, TimeUnit.SECONDS));
  }
}
