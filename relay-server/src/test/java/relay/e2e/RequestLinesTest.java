package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** What the log of a replica says of each request, and of none that it is not asked for. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RequestLinesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EACH = "format: json, requests: true";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas = setup(EACH).start(1);

  RequestLinesTest() throws Exception {}

  private Setup setup(String log) throws IOException {
    return new Setup()
        .log(log)
        .client("team")
        .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1"), Setup.key("p-2"));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer ask(Ask ask) throws IOException {
    return RawClient.ask(replicas.port(0), ask);
  }

  private List<JsonNode> lines() {
    return replicas
        .get(0)
        .log()
        .lines()
        .filter(line -> line.contains("\"relay.requests\""))
        .map(RequestLinesTest::json)
        .toList();
  }

  private static JsonNode json(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The line of an answer: the log is written after it. */
  private JsonNode lineOf(Answer answer) throws Exception {
    String id = id(answer);
    Await.until("its line is written", () -> lines().stream().anyMatch(l -> is(l, id)));
    List<JsonNode> its = lines().stream().filter(line -> is(line, id)).toList();
    assertEquals(1, its.size(), its::toString);
    return its.getFirst();
  }

  private static String id(Answer answer) {
    return Objects.requireNonNull(answer.header("x-relay-request-id"));
  }

  private static boolean is(JsonNode line, String id) {
    return line.get("request").asText().equals(id);
  }

  @Test
  void a_retried_stream_is_one_line_with_its_names_counts_and_times() throws Exception {
    AtomicBoolean failed = new AtomicBoolean();
    provider.script(
        (request, connection) -> {
          if (!failed.getAndSet(true)) {
            connection.write(Says.json(500, "{}"));
          } else {
            connection.write(Says.STREAM);
            for (String event : Says.events(Dialect.ANTHROPIC)) {
              connection.chunk(event);
            }
            connection.chunk("");
          }
        });
    Answer answer = ask(Ask.stream(Dialect.ANTHROPIC, "p").from("team"));
    assertEquals(200, answer.status());
    JsonNode line = lineOf(answer);
    assertEquals("team", line.get("client").asText());
    assertEquals("p", line.get("provider").asText());
    assertEquals(answer.header("x-relay-key"), line.get("key").asText());
    assertEquals("p", line.get("model").asText());
    assertEquals(200, line.get("status").asInt());
    assertEquals("upstream", line.get("origin").asText());
    assertEquals(2, line.get("attempts").asInt());
    assertEquals(Says.INPUT, line.get("input_tokens").asInt());
    assertEquals(Says.OUTPUT, line.get("output_tokens").asInt());
    assertTrue(line.get("wait_ms").asDouble() > 0);
    assertTrue(line.get("first_byte_ms").asDouble() >= line.get("wait_ms").asDouble());
    assertTrue(line.get("duration_ms").asDouble() >= line.get("first_byte_ms").asDouble());
    assertEquals(documented(), members(line));
    assertFalse(line.has("broken"));
    String log = replicas.get(0).log();
    assertFalse(log.contains(Setup.secret("p-1")), "a provider's secret");
    assertFalse(log.contains(Setup.clientKey("team")), "a client's secret");
    assertFalse(log.contains("max_tokens"), "a body");
  }

  /** The members of a line of a request, without those of every line. */
  private static List<String> members(JsonNode line) {
    List<String> names = new ArrayList<>();
    line.fieldNames().forEachRemaining(names::add);
    names.removeAll(List.of("ts", "level", "logger", "msg"));
    return names;
  }

  private static List<String> documented() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "operating.md"));
    String logs = page.substring(page.indexOf("## Logs"), page.indexOf("## Traces"));
    return Pattern.compile("(?m)^\\| (`[^|]*) \\|")
        .matcher(logs)
        .results()
        .flatMap(row -> Stream.of(row.group(1).replace("`", "").split(", ", -1)))
        .filter(name -> !List.of("broken", "call", "lease").contains(name)) // of other answers
        .toList();
  }

  @Test
  void a_stream_that_its_provider_broke_off_says_so_with_the_tokens_as_charged() throws Exception {
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(Says.events(Dialect.ANTHROPIC).getFirst());
          connection.reset();
        });
    try (RawClient client = new RawClient(replicas.port(0))) {
      client.send(Ask.stream(Dialect.ANTHROPIC, "p").from("team")).head();
      Answer answer = client.rest();
      assertFalse(answer.whole());
      JsonNode line = lineOf(answer);
      assertEquals(200, line.get("status").asInt());
      assertEquals("relay", line.get("origin").asText());
      assertEquals("loss", line.get("broken").asText());
      assertTrue(line.get("output_tokens").asInt() > 1, line::toString);
    }
  }

  @Test
  void a_refused_request_has_a_line() throws Exception {
    JsonNode unknownModel = lineOf(ask(Ask.of(Dialect.ANTHROPIC, "none").from("team")));
    assertEquals(404, unknownModel.get("status").asInt());
    assertEquals("relay", unknownModel.get("origin").asText());
    assertEquals("team", unknownModel.get("client").asText());
    JsonNode stranger = lineOf(ask(Ask.of(Dialect.ANTHROPIC, "p").from("nobody")));
    assertEquals(401, stranger.get("status").asInt());
    assertFalse(stranger.has("client"));
    JsonNode nowhere = lineOf(ask(Ask.of(Dialect.ANTHROPIC, "p").target("/nowhere")));
    assertEquals(404, nowhere.get("status").asInt());
  }

  @Test
  void a_reload_turns_the_lines_off_and_on_and_sets_the_level() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    Ask ask = Ask.of(Dialect.ANTHROPIC, "p").from("team");
    Answer off = askWith("format: json, requests: false", "info", ask);
    Answer above = askWith(EACH, "warn", ask);
    Answer on = askWith(EACH, "info", ask);
    // Lines are written in order: the last one is there, so the others never come.
    assertEquals(200, lineOf(on).get("status").asInt());
    for (Answer silent : List.of(off, above)) {
      String id = id(silent);
      assertEquals(List.of(), lines().stream().filter(line -> is(line, id)).toList());
    }
  }

  private Answer askWith(String log, String level, Ask ask) throws IOException {
    assertEquals(200, replicas.reload(0, setup(log).logLevel(level)).status());
    Answer answer = ask(ask);
    assertEquals(200, answer.status());
    return answer;
  }
}
