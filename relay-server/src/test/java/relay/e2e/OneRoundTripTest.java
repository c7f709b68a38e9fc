package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/** The Redis calls per request, and the secrets that must never appear anywhere. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OneRoundTripTest {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .logLevel("trace")
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), keys("a"))
          .provider("openai", Dialect.OPENAI, provider.url(), keys("o"))
          .start(1);

  OneRoundTripTest() throws Exception {}

  private static String[] keys(String id) {
    return new String[] {
      Setup.key(id + "1", "rpm_limit: 1000"), Setup.key(id + "2", "rpm_limit: 1000")
    };
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static String name(Dialect dialect) {
    return dialect == Dialect.ANTHROPIC ? "anthropic" : "openai";
  }

  @ParameterizedTest
  @EnumSource
  void one_script_is_called_before_the_provider_and_one_after(Dialect dialect) throws Exception {
    try (Monitor monitor = new Monitor(replicas.redis().port())) {
      AtomicLong before = new AtomicLong();
      provider.script(
          (request, connection) -> {
            before.set(monitor.leaseCalls());
            if (request.text().contains("\"stream\":true")) {
              connection.write(Says.STREAM);
              for (String event : Says.events(dialect)) {
                connection.chunk(event);
              }
              connection.chunk("");
            } else {
              connection.write(Says.fine(dialect));
            }
          });
      for (int n = 1; n <= 6; n++) {
        Ask ask = n % 2 == 0 ? Ask.stream(dialect, name(dialect)) : Ask.of(dialect, name(dialect));
        assertEquals(200, RawClient.ask(replicas.port(0), ask).status());
        assertEquals(2 * n - 1, before.get(), "calls until request " + n + " went out");
        int calls = 2 * n;
        Await.until("request " + n + " is settled", () -> monitor.leaseCalls() >= calls);
        assertEquals(calls, monitor.leaseCalls());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void no_secret_is_in_redis_in_logs_in_metrics_or_in_answers(Dialect dialect) throws Exception {
    List<String> places = new ArrayList<>();
    try (Monitor monitor = new Monitor(replicas.redis().port())) {
      String model = name(dialect);
      List<Integer> statuses = new ArrayList<>(List.of(200, 429, 200, 500, 401, 403));
      provider.script(
          (request, connection) -> {
            int status = statuses.isEmpty() ? 401 : statuses.removeFirst();
            connection.write(
                status == 200
                    ? Says.fine(dialect)
                    : Says.json(status, Says.error(dialect, "x", "wrong: " + request.key())));
          });
      for (int n = 0; n < 6; n++) {
        Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, model));
        boolean theirs = "upstream".equals(answer.header("x-relay-error-origin"));
        places.add("answer: " + (theirs ? answer.headers() : answer));
      }
      for (String line :
          List.of("x-api-key: wrong-secret-1", "authorization: Bearer wrong-secret-2")) {
        Ask ask = Ask.of(dialect, model).credential(line);
        places.add("answer: " + RawClient.ask(replicas.port(0), ask));
      }
      places.add("answer: " + RawClient.ask(replicas.port(0), Ask.of(dialect, "unknown")));
      places.add("MONITOR: " + String.join("\n", monitor.until()));
    }
    for (String path : List.of("/metrics", "/pools", "/clients")) {
      Answer answer = replicas.admin(0, path);
      assertEquals(200, answer.status(), path);
      places.add(path + ": " + answer);
    }
    try (RedisSocket redis = replicas.redisSocket()) {
      String everything = redis.everything();
      assertTrue(everything.contains("relay:{" + name(dialect) + "}:state"), everything);
      places.add("Redis: " + everything);
    }
    assertFalse(replicas.get(0).log().isEmpty(), "the log should say something");
    places.add("log: " + replicas.get(0).log());
    for (String place : places) {
      assertFalse(place.contains("secret"), place);
    }
  }
}
