package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A response that runs in the background keeps its places in {@code max_concurrent}, of its key and
 * of its client, until an answer to either of two replicas shows that it is over.
 *
 * <p>"Background mode", developers.openai.com.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BackgroundResponsesTest {
  private static final Pattern IN_PATH =
      Pattern.compile("^(\\w+) /v1/responses/(resp_\\w+)(\\S*) ");
  private static final List<String> MODELS =
      List.of("first", "second", "cancel", "delete", "gone", "stream", "cut", "limit");
  private static final int INPUT = 1_000;
  private static final int OUTPUT = 200;

  private final AtomicInteger made = new AtomicInteger();
  private final Map<String, String> statuses = new ConcurrentHashMap<>(); // by id
  private final CountDownLatch cut = new CountDownLatch(1); // the stream whose client has left
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas;

  BackgroundResponsesTest() throws Exception {
    Setup setup = new Setup();
    for (String model : MODELS) {
      provider(setup, model, model.equals("limit") ? "rpm_limit: 1000" : "max_concurrent: 1");
      setup.client(
          "of-" + model,
          "itpm_limit: 1000000, otpm_limit: 1000000, rpm_limit: 1000, max_concurrent: 1");
    }
    replicas = setup.start(2);
  }

  private void provider(Setup setup, String model, String limit) {
    setup.provider(
        model,
        Dialect.OPENAI,
        provider,
        List.of("passthrough: true"),
        List.of(Setup.key(model, limit)));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static String state(String id, String status) {
    String usage =
        status.equals("completed")
            ? "{\"input_tokens\":%d,\"output_tokens\":%d}".formatted(INPUT, OUTPUT)
            : "null";
    return "{\"id\":\"%s\",\"object\":\"response\",\"background\":true,\"status\":\"%s\",\"error\":null,\"usage\":%s}"
        .formatted(id, status, usage);
  }

  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    Matcher path = IN_PATH.matcher(request.line());
    if (path.find()) {
      String id = path.group(2);
      if (request.line().contains("/cancel")) {
        statuses.put(id, "cancelled");
      }
      String status = statuses.getOrDefault(id, "");
      if (request.line().contains("stream=true")) {
        connection.write(Says.STREAM);
        connection.chunk(event("response." + status, id, status));
        connection.chunk("");
      } else if (path.group(1).equals("DELETE")) {
        connection.write(Says.json(200, "{\"id\":\"" + id + "\",\"deleted\":true}"));
      } else if (status.isEmpty()) {
        connection.write(Says.json(404, "{\"error\":{\"message\":\"not found\"}}"));
      } else {
        boolean other = path.group(3).startsWith("/input_items");
        connection.write(Says.json(200, state(id, other ? "completed" : status)));
      }
    } else if (request.text().contains("\"background\":true")) {
      String id = "resp_" + made.incrementAndGet() + "background";
      statuses.put(id, "in_progress");
      if (request.text().contains("\"stream\":true")) {
        connection.write(Says.STREAM);
        connection.chunk(event("response.created", id, "queued"));
        connection.awaitClosed();
        cut.countDown();
      } else {
        connection.write(Says.json(200, state(id, "queued")));
      }
    } else {
      connection.write(Says.json(200, state("resp_short", "completed")));
    }
  }

  private static String event(String type, String id, String status) {
    return "event: %s\ndata: {\"type\":\"%s\",\"response\":%s}\n\n"
        .formatted(type, type, state(id, status));
  }

  private static Ask make(String model, String members) {
    return Ask.of(Dialect.OPENAI, model)
        .target("/v1/responses")
        .body("{\"model\":\"" + model + "\"," + members + "\"input\":\"Hello\"}");
  }

  /** Begins a background response at the first replica, for the model's client. */
  private String begin(String model) throws Exception {
    Answer answer =
        RawClient.ask(replicas.port(0), make(model, "\"background\":true,").from("of-" + model));
    assertEquals(200, answer.status(), answer.toString());
    return answer.json().get("id").asText();
  }

  private Answer ask(int replica, String method, String target) throws Exception {
    Ask ask = make("any", "").method(method).target(target);
    return RawClient.ask(
        replicas.port(replica), method.equals("GET") ? ask.contentType("") : ask.body("{}"));
  }

  private Answer poll(int replica, String id) throws Exception {
    return ask(replica, "GET", "/v1/responses/" + id);
  }

  /** Another client, at the key of the model. */
  private void assertBusy(String model) throws Exception {
    for (int replica = 0; replica < 2; replica++) {
      Answer refused = RawClient.ask(replicas.port(replica), make(model, ""));
      assertEquals(429, refused.status(), refused.toString());
      assertNotNull(refused.header("retry-after-ms"));
    }
  }

  private void awaitFree(String model) throws Exception {
    Await.until(
        "the key of " + model + " is free",
        () -> RawClient.ask(replicas.port(0), make(model, "")).status() == 200);
  }

  /** What was used is counted once, however often the end is seen. */
  private void awaitUsed(String model, int requests, int input, int output) throws Exception {
    Await.until(
        "what the client has used",
        () -> {
          JsonNode client = replicas.client(0, "of-" + model);
          return client.get("in_flight").asInt() == 0
              && client.at("/used/rpm").asInt() == requests
              && client.at("/used/itpm").asInt() == input
              && client.at("/used/otpm").asInt() == output;
        });
  }

  @ParameterizedTest
  @CsvSource({"first, 0", "second, 1"})
  void a_key_is_busy_until_a_poll_of_either_replica_shows_the_end(String model, int last)
      throws Exception {
    String id = begin(model);
    assertBusy(model);
    for (int replica = 0; replica < 2; replica++) {
      assertEquals(200, poll(replica, id).status());
      assertEquals(200, ask(replica, "GET", "/v1/responses/" + id + "/input_items").status());
      assertEquals(404, ask(replica, "GET", "/v1/responses/resp_unknown").status());
    }
    assertBusy(model);
    statuses.put(id, "completed");
    for (int n = 0; n < 3; n++) {
      assertEquals("completed", poll(last, id).json().get("status").asText());
    }
    awaitFree(model);
    assertEquals("completed", poll(1 - last, id).json().get("status").asText());
    awaitUsed(model, 1, INPUT, OUTPUT);
    assertEquals(INPUT, replicas.metric(0, tokens(model)));
  }

  private static String tokens(String model) {
    return "relay_client_tokens_total{client=\"of-%s\",type=\"input\"}".formatted(model);
  }

  @Test
  void a_client_at_its_own_limit_waits_for_the_end_of_its_response() throws Exception {
    String id = begin("limit");
    for (int replica = 0; replica < 2; replica++) {
      Answer refused = RawClient.ask(replicas.port(replica), make("limit", "").from("of-limit"));
      assertEquals(429, refused.status(), refused.toString());
      assertTrue(refused.text().contains("max_concurrent 1"), refused.text());
    }
    statuses.put(id, "completed");
    assertEquals(200, poll(1, id).status());
    Await.until(
        "the client is served",
        () -> RawClient.ask(replicas.port(1), make("limit", "").from("of-limit")).status() == 200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cancel", "delete", "gone", "stream"})
  void a_key_is_free_when_its_response_is_cancelled_deleted_unknown_or_streamed_to_its_end(
      String how) throws Exception {
    String id = begin(how);
    assertBusy(how);
    String path = "/v1/responses/" + id;
    Answer end =
        switch (how) {
          case "cancel" -> ask(1, "POST", path + "/cancel");
          case "delete" -> ask(1, "DELETE", path);
          case "gone" -> {
            statuses.remove(id);
            yield poll(1, id);
          }
          default -> {
            statuses.put(id, "completed");
            yield ask(1, "GET", path + "?stream=true&starting_after=3");
          }
        };
    assertEquals(how.equals("gone") ? 404 : 200, end.status(), end.toString());
    awaitFree(how);
    if (how.equals("stream")) {
      awaitUsed(how, 1, INPUT, OUTPUT);
    }
  }

  /** The provider goes on without it. */
  @Test
  void a_stream_in_the_background_whose_client_leaves_keeps_its_place() throws Exception {
    String events;
    try (RawClient client = new RawClient(replicas.port(0))) {
      events =
          client
              .send(make("cut", "\"background\":true,\"stream\":true,").from("of-cut"))
              .head()
              .readTo("\n\n");
    }
    assertTrue(cut.await(60, TimeUnit.SECONDS));
    Await.until("the request has ended", () -> replicas.metric(0, "relay_inflight") == 0);
    assertBusy("cut");
    Matcher id = Pattern.compile("resp_\\w+").matcher(events);
    assertTrue(id.find(), events);
    statuses.put(id.group(), "completed");
    assertEquals(200, poll(1, id.group()).status());
    awaitFree("cut");
    awaitUsed("cut", 1, INPUT, OUTPUT);
  }

  @Test
  void a_client_that_never_asks_keeps_its_place_for_a_time_only() throws Exception {
    Setup setup = new Setup().jvm("-Drelay.timings=background=1000");
    provider(setup, "short", "max_concurrent: 1");
    try (Replicas one = setup.start(1)) {
      Ask begin = make("short", "\"background\":true,");
      assertEquals(200, RawClient.ask(one.port(0), begin).status());
      Await.until(
          "the key is free", () -> RawClient.ask(one.port(0), make("short", "")).status() == 200);
    }
  }
}
