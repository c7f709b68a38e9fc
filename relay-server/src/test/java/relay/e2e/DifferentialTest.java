package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.Seeds;
import relay.model.Dialect;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/** A provider called directly and its twin called through Relay give the same answers. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DifferentialTest {
  private static final int REQUESTS = 1_000;

  /** Headers about connection, time or framing; Relay's own headers are listed below. */
  private static final Set<String> NOT_COMPARED =
      Set.of("date", "connection", "transfer-encoding", "content-length");

  private final Seeds seeds = new Seeds();
  private final ProviderSimulator direct = simulator();
  private final ProviderSimulator behind = simulator();
  private final Replicas replicas =
      new Setup()
          .provider("anthropic", Dialect.ANTHROPIC, behind.url().toString(), Setup.key("a"))
          .provider("openai", Dialect.OPENAI, behind.url().toString(), Setup.key("a"))
          .start(1);

  DifferentialTest() throws Exception {}

  private static ProviderSimulator simulator() {
    Account account = new Account("acme", List.of(Setup.secret("a")), 0, 0, 0, 0);
    InstantSource stopped = InstantSource.fixed(Instant.parse("2026-01-02T03:04:05Z"));
    return ProviderSimulator.start(
        Settings.of(Duration.ofMinutes(1), account), System::nanoTime, stopped);
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    behind.close();
    direct.close();
  }

  /**
   * A request of either kind.
   *
   * @param own whether Relay itself refuses the request
   */
  private record Question(Dialect dialect, boolean own, Ask ask) {}

  private static Question question(Random random) {
    Dialect dialect = random.nextBoolean() ? Dialect.ANTHROPIC : Dialect.OPENAI;
    String model = dialect.name().toLowerCase(Locale.ROOT);
    StringBuilder members = new StringBuilder();
    boolean stream = random.nextBoolean();
    maybe(random, members, "\"x\\u00e9y\" : [1, -0.0, 1e400, {\"model\":\"b\"}, \"é😀\\ud83d\"]");
    maybe(random, members, "\"max_tokens\":" + random.nextInt(1, 4096));
    maybe(random, members, "\"metadata\":{\"user_id\":\"u" + random.nextInt(9) + "\"}");
    maybe(random, members, "\"pad\":\"" + "p".repeat(random.nextInt(30_000)) + "\"");
    if (dialect == Dialect.OPENAI) {
      maybe(random, members, "\"stream_options\" :\n{ \"include_usage\":" + stream + " }");
    }
    members.append(stream ? "\"stream\" : true," : "\r\n\t");
    String body = Ask.body(model, members.toString());
    Ask ask = Ask.of(dialect, model).body(body);
    ask.header("x-sim-input-tokens: " + random.nextInt(1000));
    ask.header("x-sim-output-tokens: " + random.nextInt(1000));
    ask.header("x-sim-events: " + random.nextInt(40));
    ask.header("x-unknown: " + "v".repeat(random.nextInt(200)));
    ask.header(
        "x-blanks: " + "v  ".repeat(random.nextInt(3)) + "v \tv\t".repeat(random.nextInt(3)));
    ask.header(
        "accept-encoding: " + List.of("gzip", "identity", "gzip, br").get(random.nextInt(3)));
    // Relay can remove usage only from uncompressed answers.
    boolean plain = stream && dialect == Dialect.OPENAI && !body.contains("include_usage");
    if (random.nextInt(3) == 0 && !plain) {
      ask.header("x-sim-gzip: 1");
    }
    if (random.nextInt(3) == 0) {
      ask.chunked(1 + random.nextInt(2_000));
    }
    String target = dialect == Dialect.ANTHROPIC ? "/v1/messages" : "/v1/chat/completions";
    if (random.nextInt(3) == 0) {
      ask.target(target + "?beta=true&q=%2F'(" + random.nextInt(100) + ")");
    }
    return switch (random.nextInt(12)) {
      case 0 -> new Question(dialect, true, ask.body(body.substring(0, random.nextInt(40))));
      case 1 -> new Question(dialect, true, ask.body(body.replace("\"model\"", "\"modell\"")));
      case 2 -> new Question(dialect, true, ask.body("[" + body + "]"));
      case 3 -> new Question(dialect, false, ask.header("x-sim-latency-ms: soon"));
      case 4 -> new Question(dialect, false, ask.header("x-sim-fault: unheard-of"));
      default -> new Question(dialect, false, ask);
    };
  }

  private static void maybe(Random random, StringBuilder members, String member) {
    if (random.nextInt(3) == 0) {
      members.append(member).append(',');
    }
  }

  @Test
  void a_thousand_random_requests_get_equal_answers() throws Exception {
    int refused = 0;
    int streams = 0;
    try (Kept toProvider = new Kept(direct.port());
        Kept toRelay = new Kept(replicas.port(0))) {
      for (int n = 0; n < seeds.tries(REQUESTS); n++) {
        Question question = question(seeds.random(n));
        String key =
            question.dialect() == Dialect.ANTHROPIC ? "x-api-key: " : "authorization: Bearer ";
        Answer provider = toProvider.ask(question.ask().credential(key + Setup.secret("a")));
        Answer relay = toRelay.ask(question.ask().credential(key + Ask.CLIENT_KEY));
        String context = seeds.replay(n) + "\n" + provider + "\n" + relay;
        assertEquals(provider.status(), relay.status(), context);
        assertEquals(provider.whole(), relay.whole(), context);
        refused += question.own() ? 1 : 0;
        if (question.own()) {
          assertEquals("relay", relay.header("x-relay-error-origin"), context);
          assertEquals(provider.header("content-type"), relay.header("content-type"), context);
          assertEquals(errorType(provider), errorType(relay), context);
        } else {
          streams +=
              "text/event-stream; charset=utf-8".equals(relay.header("content-type")) ? 1 : 0;
          assertEquals(compared(provider), compared(relay), context);
          assertArrayEquals(body(provider), body(relay), context);
        }
      }
    }
    assertTrue(seeds.tries(REQUESTS) < REQUESTS || (refused > 100 && streams > 200));
  }

  private static String errorType(Answer answer) throws IOException {
    return answer.json().path("error").path("type").asText();
  }

  private static Set<String> compared(Answer answer) {
    Set<String> lines = new TreeSet<>();
    for (String line : answer.headers()) {
      String name = line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT);
      if (!NOT_COMPARED.contains(name) && !name.startsWith("x-relay-")) {
        lines.add(name + withoutIds(line.substring(name.length())));
      }
    }
    return lines;
  }

  /** Removes request counters: Relay does not forward all requests. */
  private static String withoutIds(String text) {
    return text.replaceAll("sim[0-9a-f]{12}", "sim");
  }

  private static byte[] body(Answer answer) throws IOException {
    if (!"gzip".equals(answer.header("content-encoding"))) {
      return withoutIds(answer.text()).getBytes(UTF_8);
    }
    try (var zipped = new GZIPInputStream(new ByteArrayInputStream(answer.body()))) {
      return withoutIds(new String(zipped.readAllBytes(), UTF_8)).getBytes(UTF_8);
    }
  }

  /** A connection that is reused while the server keeps it open. */
  private static final class Kept implements AutoCloseable {
    private final int port;
    private RawClient wire;

    Kept(int port) throws IOException {
      this.port = port;
      wire = new RawClient(port);
    }

    Answer ask(Ask ask) throws IOException {
      Answer answer = wire.send(ask).answer();
      if ("close".equalsIgnoreCase(answer.header("connection")) || !answer.whole()) {
        wire.close();
        wire = new RawClient(port);
      }
      return answer;
    }

    @Override
    public void close() throws IOException {
      wire.close();
    }
  }
}
