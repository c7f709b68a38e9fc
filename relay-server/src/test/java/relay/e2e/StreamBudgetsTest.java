package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.e2e.RawProvider.Connection;
import relay.guards.Await;
import relay.model.Dialect;
import relay.stream.Encodings;

/** What running streams make counts in budgets while they run, compressed or not. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StreamBudgetsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int EVENTS = 20;
  private static final int MADE = 10_000; // tokens
  private static final String WORDS = "some words of a very long answer ".repeat(60); // 500 tokens

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas;

  StreamBudgetsTest() throws Exception {
    Setup setup = new Setup();
    for (String client : List.of("anthropic-identity", "anthropic-gzip", "openai-gzip")) {
      setup.client(client, "budget: [{ tokens: 5000, per: day }]");
    }
    replicas =
        setup
            .client("hard", "budget: [{ tokens: 5000, per: day, hard: true }]")
            .client("bystander", "budget: [{ tokens: 5000, per: day }]")
            .provider("a", Dialect.ANTHROPIC, provider.url(), Setup.key("a-1"))
            // of its own: after the other tests, a's mean is more than the whole budget
            .provider("h", Dialect.ANTHROPIC, provider.url(), Setup.key("h-1"))
            .provider("o", Dialect.OPENAI, provider.url(), Setup.key("o-1"))
            .start(1);
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static String pool(Dialect dialect) {
    return dialect == Dialect.ANTHROPIC ? "a" : "o";
  }

  /** The first event, and then some that the model makes. */
  private static String made(Dialect dialect) {
    String delta = Says.events(dialect).get(dialect == Dialect.ANTHROPIC ? 1 : 0);
    String word = dialect == Dialect.ANTHROPIC ? "\"Hi\"" : "\"H\"";
    String long_ = delta.replace(word, "\"" + WORDS + "\"");
    return Says.events(dialect).getFirst() + long_.repeat(EVENTS);
  }

  private static String rest(Dialect dialect) {
    List<String> events = Says.events(dialect);
    return String.join("", events.subList(events.size() - 2, events.size()))
        .replace("_tokens\":3", "_tokens\":" + MADE);
  }

  private long used(String client) throws Exception {
    Ask usage = Ask.of(Dialect.ANTHROPIC, "a").from(client).method("GET");
    Answer answer = RawClient.ask(replicas.port(0), usage.target("/v1/relay/usage"));
    return JSON.readTree(answer.text()).at("/budgets/0/used").asLong();
  }

  private static byte[] encoded(String encoding, String text) throws IOException {
    byte[] plain = text.getBytes(UTF_8);
    return encoding.equals("identity") ? plain : Encodings.encoded(encoding, plain);
  }

  @ParameterizedTest
  @CsvSource({"ANTHROPIC, identity", "ANTHROPIC, gzip", "OPENAI, gzip"})
  void nothing_is_admitted_on_what_a_stream_has_made_and_the_stream_finishes(
      Dialect dialect, String encoding) throws Exception {
    String client = dialect.name().toLowerCase(Locale.ROOT) + "-" + encoding;
    CountDownLatch end = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          connection.write(
              Says.STREAM.replace("\r\n\r\n", "\r\ncontent-encoding: " + encoding + "\r\n\r\n"));
          connection.chunk(encoded(encoding, made(dialect)));
          finish(connection, end, encoded(encoding, rest(dialect)));
        });
    // a client that asks for no usage gets a compressed stream
    String usage = dialect == Dialect.OPENAI ? "\"stream_options\":{\"include_usage\":true}," : "";
    Ask ask =
        Ask.stream(dialect, pool(dialect))
            .from(client)
            .header("accept-encoding: " + encoding)
            .body(Ask.body(pool(dialect), "\"stream\":true," + usage));
    try (RawClient wire = new RawClient(replicas.port(0)).send(ask).head()) {
      Await.until("what it has made is spent", SOON, () -> used(client) > 5_000);
      long told = used(client);
      assertTrue(told < 2 * MADE, "told " + told);
      Answer next = RawClient.ask(replicas.port(0), ask);
      assertEquals(dialect == Dialect.ANTHROPIC ? 402 : 429, next.status(), next.toString());
      end.countDown();
      assertTrue(wire.rest().whole());
    }
    Await.until("it is settled by its usage", SOON, () -> used(client) == 7 + MADE);
  }

  @Test
  void a_hard_budget_ends_a_stream_with_an_error_event_and_no_other_client_s() throws Exception {
    CountDownLatch other = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          boolean isHard = request.text().contains("\"hard\"");
          connection.write(Says.STREAM);
          connection.chunk(made(Dialect.ANTHROPIC));
          if (isHard) {
            connection.awaitClosed();
            closed.countDown();
          } else {
            finish(connection, other, rest(Dialect.ANTHROPIC).getBytes(UTF_8));
          }
        });
    Ask bystander = Ask.stream(Dialect.ANTHROPIC, "a").from("bystander");
    Ask hard =
        Ask.stream(Dialect.ANTHROPIC, "h")
            .from("hard")
            .body(Ask.body("h", "\"stream\":true,\"metadata\":{\"user_id\":\"hard\"},"));
    try (RawClient wire = new RawClient(replicas.port(0)).send(bystander).head()) {
      Answer cut = RawClient.ask(replicas.port(0), hard);
      assertEquals(200, cut.status());
      assertFalse(cut.whole());
      String end = cut.text().substring(cut.text().length() - 300);
      assertTrue(end.contains("event: error\ndata: {\"type\":\"error\""), end);
      assertTrue(end.contains("billing_error"), end);
      assertTrue(closed.await(SOON.toSeconds(), TimeUnit.SECONDS), "at the provider, too");
      assertEquals(402, RawClient.ask(replicas.port(0), hard).status());
      other.countDown();
      assertTrue(wire.rest().whole());
    }
    Await.until("what it had made is spent", SOON, () -> used("hard") > 5_000);
  }

  private static void finish(Connection connection, CountDownLatch end, byte[] rest)
      throws Exception {
    assertTrue(end.await(SOON.toSeconds(), TimeUnit.SECONDS));
    connection.chunk(rest);
    connection.chunk("");
  }
}
