package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.guards.Await;
import relay.model.Dialect;

/** What a request costs in dollars: a token of output costs a millionth. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PricesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int DELTAS = 100; // of a complete stream
  private static final int OUTPUT = 1_000; // tokens that they make
  private static final String WITHOUT_USAGE = "{\"id\":\"1\"}";
  private static final String BROKEN = "\"stream\":true,\"user\":\"broken\",";

  private final RawProvider failing =
      new RawProvider((_, connection) -> connection.write(Says.json(503, "{}")));
  private final RawProvider provider = new RawProvider(PricesTest::answer);
  private final RawProvider any =
      new RawProvider((_, connection) -> connection.write(Says.json(200, WITHOUT_USAGE)));
  private final Replicas replicas =
      new Setup()
          .client("dollars", "budget: [{ usd: 1, per: month }]")
          .client("shadow", "enforce: false, budget: [{ usd: 0.000001, per: month }]")
          .client("modest", "budget: [{ usd: 0.0002, per: month }]")
          .client("bound", "budget: [{ usd: 0.001, per: month }]")
          .client("claude-streams", "budget: [{ usd: 1, per: month }]")
          .client("gpt-streams", "budget: [{ usd: 1, per: month }]")
          .prices(
              "[{ model: cheap, input: 1, output: 1 }, { model: plain, input: 0, output: 1 },"
                  + " { model: claude, input: 10, output: 1 }, { model: gpt, input: 0, output: 1 },"
                  + " { model: bound, input: 0, output: 1 }]")
          .provider(
              "fails",
              Dialect.ANTHROPIC,
              failing.url(),
              List.of("models: [shared]", "model_mapping: { shared: cheap }", "max_attempts: 1"),
              List.of(Setup.key("f-1")))
          .provider(
              "weighted",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of(
                  "models: [plain, claude]",
                  "model_classes: [{ name: heavy, models: ['*'], weights: { output: 5 } }]"),
              List.of(Setup.key("w-1")))
          .provider("any-last", Dialect.ANTHROPIC, any, any(), List.of(Setup.key("l-1")))
          .provider(
              "bounded",
              Dialect.OPENAI,
              provider.url(),
              List.of("models: [gpt, bound]"),
              List.of(Setup.key("b-1")))
          .provider("any-first", Dialect.OPENAI, any, any(), List.of(Setup.key("a-1")))
          .provider(
              "priced",
              Dialect.OPENAI,
              provider.url(),
              List.of("models: [shared]", "model_mapping: { shared: cheap }"),
              List.of(Setup.key("p-1")))
          .start(1);

  PricesTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    failing.close();
    provider.close();
    any.close();
  }

  private static List<String> any() {
    return List.of(Setup.ANY_MODEL);
  }

  private static void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws Exception {
    if (!request.text().contains("\"stream\":true")) {
      connection.write(Says.json(200, WITHOUT_USAGE));
      return;
    }
    Dialect dialect = request.isFor("gpt") ? Dialect.OPENAI : Dialect.ANTHROPIC;
    connection.write(Says.STREAM);
    if (request.text().contains("broken")) {
      for (String event : half(dialect)) {
        connection.chunk(event);
      }
      connection.close();
    } else {
      for (String event : whole(dialect)) {
        connection.chunk(event);
      }
      connection.chunk("");
    }
  }

  private static List<String> whole(Dialect dialect) {
    List<String> said = Says.events(dialect);
    List<String> events = new ArrayList<>(said.subList(0, 1));
    events.addAll(Collections.nCopies(DELTAS, said.get(1)));
    said.subList(2, said.size())
        .forEach(
            e -> events.add(e.replaceFirst("(output|completion)_tokens\":3", "$1_tokens\":1000")));
    return events;
  }

  private static List<String> half(Dialect dialect) {
    return whole(dialect).subList(0, 1 + DELTAS / 2);
  }

  private Answer ask(Dialect dialect, String model, String client, String members)
      throws Exception {
    Ask ask = Ask.of(dialect, model).from(client).body(Ask.body(model, members));
    return RawClient.ask(replicas.port(0), ask);
  }

  private BigDecimal used(String client) throws Exception {
    Ask usage = Ask.of(Dialect.OPENAI, "any").from(client).method("GET");
    Answer told = RawClient.ask(replicas.port(0), usage.target("/v1/relay/usage"));
    return JSON.readTree(told.text()).get("budgets").get(0).get("used").decimalValue();
  }

  /** The dollars that the metric has of a model, without those of a client. */
  private double counted(String model, String client) throws Exception {
    return replicas
        .admin(0, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith("relay_cost_usd_total{"))
        .filter(line -> line.contains("model=\"%s\"".formatted(model)) && !line.contains(client))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf('}') + 2)))
        .sum();
  }

  @Test
  void no_provider_serves_a_model_without_a_price_there_whichever_comes_first() throws Exception {
    Answer failed = ask(Dialect.ANTHROPIC, "shared", "dollars", "");
    assertEquals(503, failed.status(), failed.toString());
    assertEquals("upstream", failed.header("x-relay-error-origin"));
    Answer served = ask(Dialect.OPENAI, "shared", "dollars", "");
    assertEquals("priced", served.header("x-relay-provider"), served.toString());
    for (Dialect dialect : Dialect.values()) {
      Answer refused = ask(dialect, "nowhere", "dollars", "");
      String why = Errors.relays(refused, dialect, 400, "invalid_request_error");
      assertTrue(why.contains("the model nowhere has no price"), why);
      assertEquals(0, any.received("nowhere").size());
    }
    assertEquals(0, any.received("shared").size());
    String metrics = replicas.admin(0, "/metrics").text();
    assertTrue(metrics.contains("reason=\"unpriced\"} 2.0"), metrics);
    Answer ofOthers = RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, "shared"));
    assertEquals("any-first", ofOthers.header("x-relay-provider"), ofOthers.toString());
  }

  @Test
  void in_shadow_mode_a_model_without_a_price_passes_costs_nothing_and_is_logged_once()
      throws Exception {
    for (int n = 0; n < 2; n++) {
      assertEquals(200, ask(Dialect.OPENAI, "unheard-of", "shadow", "").status());
    }
    assertEquals(0, used("shadow").signum());
    String line = "client shadow has a budget in usd, which is not enforced";
    Await.until("it is logged", () -> replicas.get(0).log().contains(line));
    assertEquals(1, replicas.get(0).log().lines().filter(l -> l.contains(line)).count());
  }

  /** Limits weigh output five times, or count {@code max_tokens}. */
  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, plain, modest, 100, 0.0001", // less than the 500 of a model that nobody knows yet
    "OPENAI, bound, bound, 64000, 0.0005",
  })
  void an_answer_without_usage_costs_the_tokens_that_were_expected(
      Dialect dialect, String model, String client, int maxTokens, BigDecimal usd)
      throws Exception {
    Answer answer = ask(dialect, model, client, "\"max_tokens\":" + maxTokens + ",");
    assertEquals(200, answer.status(), answer.toString());
    Await.until("it costs " + usd, () -> used(client).compareTo(usd) == 0);
  }

  /** 7 tokens of input were reported by one dialect, and none by the other. */
  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, claude, claude-streams, 0.00007",
    "OPENAI, gpt, gpt-streams, 0",
  })
  void a_broken_stream_costs_its_input_and_what_it_had_made(
      Dialect dialect, String model, String client, BigDecimal input) throws Exception {
    Answer whole = RawClient.ask(replicas.port(0), Ask.stream(dialect, model));
    assertTrue(whole.whole(), whole.toString());
    double dollars = input.doubleValue() + OUTPUT / 1e6;
    assertEquals(dollars, counted(model, client), 1e-9, "of the other client");
    Answer broken = ask(dialect, model, client, BROKEN + "\"max_tokens\":64000,");
    assertFalse(broken.whole(), broken.toString());
    // about half of the events came; what a model makes of each is estimated
    BigDecimal least = input.add(BigDecimal.valueOf(Math.round(0.4 * OUTPUT), 6));
    BigDecimal most = input.add(BigDecimal.valueOf(Math.round(0.6 * OUTPUT), 6));
    Await.until(
        "it costs " + least + " to " + most,
        () -> used(client).compareTo(least) >= 0 && used(client).compareTo(most) <= 0);
  }
}
