package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;

/** Relay's own errors, in each dialect's format. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ErrorTableTest {
  private static final int MAX_BODY_BYTES = 20_000;
  private static final int MAX_CONCURRENT = 3;

  private final CountDownLatch held = new CountDownLatch(1);
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas = setup().start(1);

  ErrorTableTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    held.countDown();
    replicas.close();
    provider.close();
  }

  private Setup setup() throws Exception {
    Setup setup =
        new Setup()
            .server("max_body_bytes: " + MAX_BODY_BYTES)
            .server("max_concurrent: " + MAX_CONCURRENT)
            .server("idle_timeout_ms: 1500")
            .redis("on_unavailable: closed")
            .client("narrow", "models: [\"other-*\"]");
    for (Dialect d : Dialect.values()) {
      String of = "-" + d.name().toLowerCase(Locale.ROOT);
      String url = provider.url();
      setup
          .provider("main" + of, d, url, Setup.key("m" + of))
          .provider("silent" + of, d, url, Setup.key("s" + of))
          .provider("hold" + of, d, url, Setup.key("h" + of))
          .provider("refusing" + of, d, url, Setup.key("r" + of))
          .provider("small" + of, d, url, Setup.key("t" + of, "itpm_limit: 100"))
          .provider("full" + of, d, url, Setup.key("f" + of, "rpm_limit: 2"))
          .provider("dead" + of, d, Setup.nowhere(), Setup.key("d" + of));
    }
    return setup;
  }

  private void answer(Received request, Connection connection) throws Exception {
    Dialect dialect = request.line().contains("messages") ? Dialect.ANTHROPIC : Dialect.OPENAI;
    if (request.text().contains("\"silent-")) {
      connection.awaitClosed();
    } else if (request.text().contains("\"hold-")) {
      held.await();
      connection.write(Says.fine(dialect));
    } else if (request.text().contains("\"refusing-")) {
      String body = Says.error(dialect, "authentication_error", "bad key " + request.key());
      connection.write(Says.json(401, body));
    } else {
      connection.write(Says.fine(dialect));
    }
  }

  private static String model(String kind, Dialect dialect) {
    return kind + "-" + dialect.name().toLowerCase(Locale.ROOT);
  }

  private Answer ask(Ask ask) throws Exception {
    return RawClient.ask(replicas.port(0), ask);
  }

  record Bad(String name, String body, String contentType) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Bad> badRequests() {
    String json = "content-type: application/json";
    String fine = Ask.body("main-anthropic", "");
    return List.of(
        new Bad("not JSON", "model=main", json),
        new Bad("cut off", fine.substring(0, fine.length() - 1), json),
        new Bad("empty", "", json),
        new Bad("an array", "[1]", json),
        new Bad("no model", "{\"messages\":[]}", json),
        new Bad("model is no string", "{\"model\":7}", json),
        new Bad("two models", "{\"model\":\"main-anthropic\",\"model\":\"x\"}", json),
        new Bad("two models, one escaped", "{\"model\":\"a\",\"m\\u006fdel\":\"b\"}", json),
        new Bad("stream twice", Ask.body("a", "\"stream\":true,\"stream\":false,"), json),
        new Bad("two bounds", Ask.body("a", "\"max_tokens\":1,\"max_tokens\":2,"), json),
        new Bad("a form", fine, "content-type: application/x-www-form-urlencoded"),
        new Bad("text", fine, "content-type: text/plain"));
  }

  @ParameterizedTest
  @MethodSource("badRequests")
  void a_bad_request_is_refused_and_nothing_of_it_reaches_redis(Bad bad) throws Exception {
    try (Monitor monitor = new Monitor(replicas.redis().port())) {
      for (Dialect dialect : Dialect.values()) {
        int before = provider.received().size();
        Answer answer = ask(Ask.of(dialect, "x").body(bad.body()).contentType(bad.contentType()));
        Errors.relays(answer, dialect, 400, "invalid_request_error");
        assertEquals(before, provider.received().size());
      }
      assertEquals(0, monitor.leaseCalls());
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_request_larger_than_any_whole_limit_gets_no_retry_time(Dialect dialect) throws Exception {
    String members = "\"system\":\"" + "long ".repeat(1000) + "\",";
    Answer answer = ask(Ask.of(dialect, "").body(Ask.body(model("small", dialect), members)));
    String message = Errors.relays(answer, dialect, 400, "invalid_request_error");
    assertTrue(message.contains("limit of 100"), message);
  }

  @ParameterizedTest
  @EnumSource
  void requests_without_a_valid_credential_are_refused(Dialect dialect) throws Exception {
    String model = model("main", dialect);
    int before = provider.received().size();
    for (String line :
        List.of(
            "",
            "x-api-key: wrong",
            "x-api-key: ",
            "authorization: Bearer wrong",
            "authorization: Basic " + Ask.CLIENT_KEY,
            "authorization: " + Ask.CLIENT_KEY)) {
      Answer answer = ask(Ask.of(dialect, model).credential(line));
      Errors.relays(answer, dialect, 401, "authentication_error");
    }
    assertEquals(before, provider.received().size());
  }

  @ParameterizedTest
  @EnumSource
  void both_header_forms_carry_a_credential(Dialect dialect) throws Exception {
    for (String line :
        List.of(
            "x-api-key: " + Ask.CLIENT_KEY,
            "X-Api-Key: " + Ask.CLIENT_KEY,
            "authorization: Bearer " + Ask.CLIENT_KEY,
            "Authorization: bearer " + Ask.CLIENT_KEY)) {
      assertEquals(200, ask(Ask.of(dialect, model("main", dialect)).credential(line)).status());
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_unserved_or_forbidden_model_is_not_found(Dialect dialect) throws Exception {
    String unknown =
        Errors.relays(ask(Ask.of(dialect, "unheard-of")), dialect, 404, "not_found_error");
    assertTrue(unknown.contains("unheard-of"), unknown);
    Ask narrow = Ask.of(dialect, model("main", dialect)).from("narrow");
    Errors.relays(ask(narrow), dialect, 404, "not_found_error");
    Dialect other = dialect == Dialect.ANTHROPIC ? Dialect.OPENAI : Dialect.ANTHROPIC;
    Errors.relays(ask(Ask.of(dialect, model("main", other))), dialect, 404, "not_found_error");
  }

  @ParameterizedTest
  @EnumSource
  void an_unknown_path_is_not_found_and_a_wrong_method_not_allowed(Dialect dialect)
      throws Exception {
    Answer lost = ask(Ask.of(dialect, model("main", dialect)).target("/v1/nothing"));
    Errors.relays(lost, dialect, 404, "not_found_error");
    Answer get = ask(Ask.of(dialect, "").method("GET"));
    Errors.relays(get, dialect, 405, "invalid_request_error");
    assertEquals("POST", get.header("allow"));
  }

  /** SDKs differ: for some the base URL contains /v1, others add it. */
  @ParameterizedTest
  @EnumSource
  void a_missing_or_doubled_v1_gets_a_helpful_error(Dialect dialect) throws Exception {
    Ask ask = Ask.of(dialect, model("main", dialect));
    String path = dialect == Dialect.ANTHROPIC ? "/messages" : "/chat/completions";
    String few =
        Errors.relays(ask(ask.target(path + "?beta=true")), dialect, 404, "not_found_error");
    assertTrue(few.contains("end the base URL in /v1"), few);
    String many = Errors.relays(ask(ask.target("/v1/v1" + path)), dialect, 404, "not_found_error");
    assertTrue(many.contains("base URL without /v1"), many);
  }

  @ParameterizedTest
  @EnumSource
  void a_request_refused_by_its_head_is_counted(Dialect dialect) throws Exception {
    Ask ask = Ask.of(dialect, model("main", dialect));
    long bad = counted(400);
    assertEquals(400, ask(ask.header("content-type: application/json")).status());
    assertEquals(bad + 1, counted(400));
    long lost = counted(404);
    assertEquals(404, ask(Ask.of(dialect, "").target("/nothing")).status());
    assertEquals(lost + 1, counted(404));
    long wrong = counted(405);
    assertEquals(405, ask(Ask.of(dialect, "").method("PATCH")).status());
    assertEquals(wrong + 1, counted(405));
  }

  /** The number of requests refused before their model was known. */
  private long counted(int status) throws Exception {
    String series =
        "relay_requests_total{model=\"other\",origin=\"relay\",provider=\"none\",status=\"%d\"} "
            .formatted(status);
    return replicas
        .admin(0, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(series.length())))
        .sum();
  }

  @ParameterizedTest
  @EnumSource
  void a_body_over_the_bound_is_refused_in_any_framing(Dialect dialect) throws Exception {
    String members = "\"system\":\"" + "x".repeat(MAX_BODY_BYTES) + "\",";
    String body = Ask.body(model("main", dialect), members);
    Answer announced = ask(Ask.of(dialect, "").body(body));
    Errors.relays(announced, dialect, 413, "request_too_large");
    Answer chunked = ask(Ask.of(dialect, "").body(body).chunked(1000));
    Errors.relays(chunked, dialect, 413, "request_too_large");
  }

  @ParameterizedTest
  @EnumSource
  void a_full_pool_states_the_retry_time(Dialect dialect) throws Exception {
    Ask ask = Ask.of(dialect, model("full", dialect));
    assertEquals(200, ask(ask).status());
    assertEquals(200, ask(ask).status());
    Answer answer = ask(ask);
    Errors.relays(answer, dialect, 429, "rate_limit_error");
    long ms = Errors.retryAfterMs(answer);
    // the slots are a 240th longer than the window, plus the current one
    assertTrue(ms > 50_000 && ms <= 60_377, "the window opens after a minute, not " + ms);
  }

  @ParameterizedTest
  @EnumSource
  @Order(Integer.MAX_VALUE - 1)
  void a_replica_at_max_concurrent_is_overloaded(Dialect dialect) throws Exception {
    String model = model("hold", dialect);
    List<RawClient> waiting = new ArrayList<>();
    for (int n = 0; n < MAX_CONCURRENT; n++) {
      waiting.add(new RawClient(replicas.port(0)).send(Ask.of(dialect, model)));
    }
    Await.until("the provider has them", () -> provider.received(model).size() == MAX_CONCURRENT);
    Answer answer = ask(Ask.of(dialect, model("main", dialect)));
    int status = dialect == Dialect.ANTHROPIC ? 529 : 503;
    Errors.relays(answer, dialect, status, "overloaded_error");
    assertEquals("1", answer.header("retry-after"));
    for (RawClient wire : waiting) {
      wire.close();
    }
    Await.until(
        "there is room again", () -> ask(Ask.of(dialect, model("main", dialect))).status() == 200);
  }

  @ParameterizedTest
  @EnumSource
  void a_provider_that_cannot_be_reached_is_a_bad_gateway(Dialect dialect) throws Exception {
    Answer answer = ask(Ask.of(dialect, model("dead", dialect)));
    Errors.relays(answer, dialect, 502, "api_error");
  }

  @ParameterizedTest
  @EnumSource
  void a_silent_provider_is_a_timeout_without_retry(Dialect dialect) throws Exception {
    String model = model("silent", dialect);
    Answer answer = ask(Ask.of(dialect, model));
    Errors.relays(answer, dialect, 504, "timeout_error");
    assertEquals(1, provider.received(model).size());
  }

  @ParameterizedTest
  @EnumSource
  void a_rejected_key_is_never_shown_to_the_client(Dialect dialect) throws Exception {
    String model = model("refusing", dialect);
    for (int n = 0; n < 3; n++) {
      Answer answer = ask(Ask.of(dialect, model));
      Errors.relays(answer, dialect, 503, "api_error");
      assertEquals("false", answer.header("x-should-retry"));
    }
    assertEquals(1, provider.received(model).size(), "a quarantined key was used");
    replicas.awaitLine(model, "r-" + model.substring(9), "status quarantined");
  }

  @ParameterizedTest
  @EnumSource
  @Order(Integer.MAX_VALUE)
  void without_redis_a_closed_replica_is_unavailable(Dialect dialect) throws Exception {
    replicas.redis().close();
    Ask ask = Ask.of(dialect, model("main", dialect));
    Answer answer = ask(ask);
    Errors.relays(answer, dialect, 503, "api_error");
    assertEquals("1", answer.header("retry-after"));
    assertNotNull(answer.header("retry-after-ms"));
  }
}
