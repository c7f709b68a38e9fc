package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;

/** Routing of requests for models with several providers. */
@Tag("slow")
class RoutingTest {
  private static final Dialect DIALECT = Dialect.ANTHROPIC;
  private static final String MODEL = "claude-x";
  private static final String OPEN = "relay_breaker_state{pool=\"failing\",state=\"open\"}";

  private static RawProvider fine() throws IOException {
    return new RawProvider((request, connection) -> connection.write(Says.fine(DIALECT)));
  }

  private static void overloaded(Received request, Connection connection) throws IOException {
    connection.write(Says.json(529, Says.error(DIALECT, "overloaded_error", "too much")));
  }

  private static Setup two(String routing, RawProvider a, RawProvider b, String... aKey) {
    List<String> models = List.of("models: [" + MODEL + "]");
    return new Setup()
        .routing(routing)
        .provider("a", DIALECT, a.url(), models, List.of(Setup.key("a-1", aKey)))
        .provider("b", DIALECT, b.url(), models, List.of(Setup.key("b-1", "weight: 3")));
  }

  private static Answer ask(Replicas replicas, String model) throws IOException {
    return RawClient.ask(replicas.port(0), Ask.of(DIALECT, model));
  }

  private static List<String> providers(Replicas replicas, int requests) throws IOException {
    List<String> names = new ArrayList<>();
    for (int n = 0; n < requests; n++) {
      Answer answer = ask(replicas, MODEL);
      assertEquals(200, answer.status(), answer.toString());
      names.add(answer.header("x-relay-provider"));
    }
    return names;
  }

  @Test
  void without_capacity_at_one_provider_the_next_is_tried() throws Exception {
    try (RawProvider a = fine();
        RawProvider b = fine();
        Replicas replicas = two("strategy: failover", a, b, "rpm_limit: 2").start(1)) {
      assertEquals(List.of("a", "a", "b", "b"), providers(replicas, 4));
      assertEquals("1", ask(replicas, MODEL).header("x-relay-attempts"));
    }
  }

  @Test
  void without_any_capacity_the_earliest_retry_time_is_returned() throws Exception {
    try (RawProvider a = fine();
        RawProvider b = limited(20);
        Replicas replicas = two("strategy: failover", a, b, "rpm_limit: 1").start(1)) {
      assertEquals(200, ask(replicas, MODEL).status());
      Answer answer = ask(replicas, MODEL);
      Errors.relays(answer, DIALECT, 429, "rate_limit_error");
      long ms = Errors.retryAfterMs(answer);
      assertTrue(ms > 1000 && ms <= 20_000, "b opens after 20 s, a after a minute: not " + ms);
      assertEquals("1", answer.header("x-relay-attempts"));
    }
  }

  /** Answers 429 with this retry time, in seconds. */
  private static RawProvider limited(int retryAfter) throws IOException {
    String error = Says.error(DIALECT, "rate_limit_error", "slow down");
    return new RawProvider(
        (_, connection) -> connection.write(Says.json(429, error, "retry-after: " + retryAfter)));
  }

  private static final int SOON = 3_000; // the window of `soon`

  /** One request a window of six hours, or of some seconds; each holds a request for a minute. */
  private static Setup full(String first, String second, RawProvider provider) {
    Setup setup = new Setup().routing("strategy: failover");
    for (String name : List.of(first, second)) {
      int window = name.equals("soon") ? SOON : 21_600_000;
      List<String> settings =
          List.of(
              "models: [" + MODEL + "]",
              "pooling: { affinity: none, window_ms: %d, max_wait_ms: 60000 }".formatted(window));
      String key = Setup.key(name, "rpm_limit: 1");
      setup.provider(name, DIALECT, provider.url(), settings, List.of(key));
    }
    return setup;
  }

  @ParameterizedTest
  @CsvSource({"soon, late", "late, soon"})
  void without_any_capacity_it_waits_where_that_returns_first(String first, String second)
      throws Exception {
    try (RawProvider provider = fine();
        Replicas replicas = full(first, second, provider).start(1)) {
      assertEquals(List.of(first, second, "soon", "soon"), providers(replicas, 4));
      assertTrue(replicas.admin(0, "/metrics").text().contains("relay_waiting 0.0\n"));
    }
  }

  @Test
  void it_waits_also_if_the_breaker_of_the_last_is_open() throws Exception {
    try (RawProvider provider = fine();
        RawProvider failing = new RawProvider(RoutingTest::overloaded)) {
      Setup setup = full("soon", "late", provider);
      List<String> settings = List.of("models: [" + MODEL + "]", "max_attempts: 1"); // no pause
      setup.provider("failing", DIALECT, failing.url(), settings, List.of(Setup.key("f-1")));
      try (Replicas replicas = setup.start(1)) {
        assertEquals(List.of("soon", "late"), providers(replicas, 2));
        Await.until(
            "its breaker is open",
            () -> {
              boolean fails = ask(replicas, MODEL).status() == 529; // where it waits, time passes
              return fails && replicas.metric(0, OPEN) == 1;
            });
        assertEquals(List.of("soon"), providers(replicas, 1));
      }
    }
  }

  /** One time to wait, not one for each attempt. */
  @Test
  void the_attempts_of_a_request_share_the_time_to_wait() throws Exception {
    try (RawProvider a = limited(3);
        Replicas replicas =
            new Setup()
                .provider(
                    "a",
                    DIALECT,
                    a.url(),
                    List.of(
                        "models: [" + MODEL + "]",
                        "max_attempts: 10",
                        "pooling: { affinity: none, max_wait_ms: 8000 }"),
                    List.of(Setup.key("a-1")))
                .start(1)) {
      Answer answer = ask(replicas, MODEL);
      Errors.relays(answer, DIALECT, 429, "rate_limit_error");
      int attempts = Integer.parseInt(answer.header("x-relay-attempts"));
      assertTrue(attempts > 1 && attempts <= 4, answer.toString()); // 3 s between two
    }
  }

  @Test
  void a_forwarded_error_counts_all_attempts() throws Exception {
    try (RawProvider a = new RawProvider(RoutingTest::overloaded);
        RawProvider b = new RawProvider((request, connection) -> connection.reset());
        Replicas replicas = two("strategy: failover", a, b).start(1)) {
      Answer answer = ask(replicas, MODEL);
      assertEquals(529, answer.status(), answer.toString());
      assertEquals("a", answer.header("x-relay-provider"));
      assertEquals("6", answer.header("x-relay-attempts"));
    }
  }

  @Test
  void attempts_count_over_all_providers_and_are_bounded_at_each() throws Exception {
    try (RawProvider a = new RawProvider(RoutingTest::overloaded);
        RawProvider b = fine();
        Replicas replicas = two("strategy: failover", a, b).start(1)) {
      Answer answer = ask(replicas, MODEL);
      assertEquals(200, answer.status(), answer.toString());
      assertEquals("b", answer.header("x-relay-provider"));
      assertEquals("4", answer.header("x-relay-attempts"));
      assertEquals(3, a.received().size());
    }
  }

  @Test
  void an_open_breaker_blocks_requests_until_a_trial_succeeds() throws Exception {
    AtomicBoolean works = new AtomicBoolean();
    try (RawProvider a =
            new RawProvider(
                (request, connection) -> {
                  if (works.get()) {
                    connection.write(Says.fine(DIALECT));
                  } else {
                    overloaded(request, connection);
                  }
                });
        RawProvider b = fine();
        Replicas replicas = two("strategy: failover", a, b).start(2)) {
      Await.until(
          "the breaker opens for the other replica, too",
          () -> {
            ask(replicas, MODEL);
            Answer other = RawClient.ask(replicas.port(1), Ask.of(DIALECT, MODEL));
            return "1".equals(other.header("x-relay-attempts"));
          });
      try (RedisSocket redis = replicas.redisSocket()) {
        assertNotEquals("closed", redis.hash("relay:{a}:breaker").get("state"));
      }
      works.set(true);
      Await.until(
          "a serves all again", () -> providers(replicas, 3).equals(List.of("a", "a", "a")));
    }
  }

  @Test
  void an_open_breaker_without_alternative_is_an_overload_error() throws Exception {
    for (Dialect dialect : Dialect.values()) {
      int status = dialect == Dialect.ANTHROPIC ? 529 : 503;
      try (RawProvider a =
              new RawProvider(
                  (request, connection) ->
                      connection.write(
                          Says.json(status, Says.error(dialect, "overloaded_error", "no"))));
          Replicas replicas =
              new Setup().provider("m", dialect, a.url(), Setup.key("m-1")).start(1)) {
        Answer[] last = new Answer[1];
        Await.until(
            "Relay itself says so",
            () -> {
              last[0] = RawClient.ask(replicas.port(0), Ask.of(dialect, "m"));
              assertEquals(status, last[0].status());
              return "relay".equals(last[0].header("x-relay-error-origin"));
            });
        Errors.relays(last[0], dialect, status, "overloaded_error");
        assertTrue(Errors.retryAfterMs(last[0]) <= 60_000);
        int seen = a.received().size();
        // Ten failed requests open the breaker. Each counts once, and has up to three attempts.
        assertTrue(seen >= 10 && seen <= 33, "requests at the provider: " + seen);
      }
    }
  }

  @Test
  void round_robin_alternates_and_respects_weights() throws Exception {
    try (RawProvider a = fine();
        RawProvider b = fine()) {
      try (Replicas replicas = two("strategy: round_robin", a, b).start(1)) {
        List<String> names = providers(replicas, 6);
        assertEquals(3, Collections.frequency(names, "a"), names.toString());
      }
      try (Replicas replicas = two("strategy: weighted_round_robin", a, b).start(1)) {
        List<String> names = providers(replicas, 8);
        assertEquals(2, Collections.frequency(names, "a"), names.toString());
      }
    }
  }

  @Test
  void the_models_name_chooses_the_provider_without_fallback_to_one_for_any_model()
      throws Exception {
    try (RawProvider a = fine();
        RawProvider b = fine();
        Replicas replicas =
            new Setup()
                .routing("strategy: model_based")
                .routing("model_mapping: { claude-: a, claude-fast: b }")
                .routing("default_provider: b")
                .provider(
                    "a",
                    DIALECT,
                    a.url(),
                    List.of(Setup.ANY_MODEL),
                    List.of(Setup.key("a-1", "rpm_limit: 1")))
                .provider(
                    "b", DIALECT, b.url(), List.of(Setup.ANY_MODEL), List.of(Setup.key("b-1")))
                .start(1)) {
      assertEquals("b", ask(replicas, "claude-fast-2").header("x-relay-provider"));
      assertEquals("b", ask(replicas, "glm-5").header("x-relay-provider"));
      assertEquals("a", ask(replicas, "claude-x").header("x-relay-provider"));
      Errors.relays(ask(replicas, "claude-x"), DIALECT, 429, "rate_limit_error");
    }
  }
}
