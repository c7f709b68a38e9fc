package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Retries of a request after a provider's refusal or failure: other keys, cooldowns, quarantine.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttemptsTest {
  private static final List<String> POOLS =
      List.of(
          "cool", "full", "few", "fail", "wrong", "busy", "spent", "refused", "reset", "gzip",
          "deflate", "raw", "long", "cut");

  /** How a pool's provider answers its n-th request, counted from 0. */
  private interface Behaviour {
    void answer(int n, Received request, Connection connection) throws Exception;
  }

  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private final RawProvider provider = new RawProvider(this::answer);
  private final Replicas replicas = setup().start(2);

  AttemptsTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** Each pool has three keys, of which the first two share an account. */
  private Setup setup() {
    Setup setup = new Setup();
    for (Dialect dialect : Dialect.values()) {
      for (String kind : POOLS) {
        String pool = pool(kind, dialect);
        setup.provider(
            pool,
            dialect,
            provider.url(),
            List.of("max_attempts: " + (kind.equals("few") ? 2 : 3)),
            List.of(
                Setup.key(pool + "-1", kind.equals("spent") ? "account: acme" : "weight: 1"),
                Setup.key(pool + "-2", kind.equals("spent") ? "account: acme" : "weight: 1"),
                Setup.key(pool + "-3")));
      }
    }
    return setup;
  }

  private static String pool(String kind, Dialect dialect) {
    return kind + "-" + dialect.name().toLowerCase(Locale.ROOT);
  }

  private void answer(Received request, Connection connection) throws Exception {
    for (Map.Entry<String, Behaviour> entry : behaviours.entrySet()) {
      if (request.isFor(entry.getKey())) {
        int n = provider.received(entry.getKey()).indexOf(request);
        entry.getValue().answer(n, request, connection);
      }
    }
  }

  private Answer ask(int replica, Dialect dialect, String pool) throws Exception {
    return RawClient.ask(replicas.port(replica), Ask.of(dialect, pool));
  }

  private List<String> keysUsed(String pool) {
    return provider.received(pool).stream().map(Received::key).toList();
  }

  private static String rateLimit(Dialect dialect) {
    return Says.error(dialect, "rate_limit_error", "slow down, org-4711");
  }

  @ParameterizedTest
  @EnumSource
  void a_429_cools_the_group_for_all_replicas_and_another_key_serves(Dialect dialect)
      throws Exception {
    String pool = pool("cool", dialect);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                n == 0
                    ? Says.json(429, rateLimit(dialect), "retry-after: 2")
                    : Says.fine(dialect)));
    long refused = System.nanoTime();
    Answer answer = ask(0, dialect, pool);
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("2", answer.header("x-relay-attempts"));
    String cooled = keysUsed(pool).getFirst();
    assertNotEquals(cooled, keysUsed(pool).get(1));
    assertEquals(keysUsed(pool).get(1), Setup.secret(value(answer, "x-relay-key")));

    String id = cooled.substring(Setup.secret("").length());
    Await.until(
        "the key is used again", () -> id.equals(ask(1, dialect, pool).header("x-relay-key")));
    long after = (System.nanoTime() - refused) / 1_000_000;
    assertTrue(after >= 2000, "used again after " + after + " ms");
    assertTrue(after < 4000, "used again only after " + after + " ms");
    replicas.awaitLine(
        pool, id + "/default", "rpm 2/- itpm 7/- otpm 3/-"); // the 429 charged no tokens
  }

  private static String value(Answer answer, String header) {
    return Objects.requireNonNull(answer.header(header), answer.toString());
  }

  @ParameterizedTest
  @EnumSource
  void when_all_keys_say_429_the_client_gets_the_earliest_time(Dialect dialect) throws Exception {
    String pool = pool("full", dialect);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                Says.json(429, rateLimit(dialect), "retry-after: " + List.of(7, 4, 9).get(n))));
    Answer answer = ask(0, dialect, pool);
    String message = Errors.relays(answer, dialect, 429, "rate_limit_error");
    assertTrue(!message.contains("org-4711"), message);
    long ms = Errors.retryAfterMs(answer);
    assertTrue(ms > 3000 && ms <= 4000, "the second key opens after 4 s, not " + ms + " ms");
    assertEquals(3, keysUsed(pool).stream().distinct().count());

    Answer elsewhere = ask(1, dialect, pool);
    Errors.relays(elsewhere, dialect, 429, "rate_limit_error");
    assertTrue(Errors.retryAfterMs(elsewhere) <= ms);
    assertEquals(3, keysUsed(pool).size(), "a cooling key was used");
  }

  @ParameterizedTest
  @EnumSource
  void attempts_are_bounded(Dialect dialect) throws Exception {
    String pool = pool("few", dialect);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                Says.json(429, rateLimit(dialect), "retry-after: " + (n == 0 ? 3 : 6))));
    Answer answer = ask(0, dialect, pool);
    Errors.relays(answer, dialect, 429, "rate_limit_error");
    assertTrue(Errors.retryAfterMs(answer) <= 3000, answer.toString());
    assertEquals(2, keysUsed(pool).size());
  }

  @ParameterizedTest
  @EnumSource
  void after_a_provider_failure_the_next_key_is_tried(Dialect dialect) throws Exception {
    String pool = pool("fail", dialect);
    List<Integer> statuses = List.of(500, 502, 200, 504, 200, 500, 500, 500);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                statuses.get(n) == 200
                    ? Says.fine(dialect)
                    : Says.json(statuses.get(n), Says.error(dialect, "api_error", "no. " + n))));
    Answer third = ask(0, dialect, pool);
    assertEquals(200, third.status());
    assertEquals("3", third.header("x-relay-attempts"));
    assertEquals(3, keysUsed(pool).stream().distinct().count());
    assertNull(third.header("x-relay-error-origin"));
    Answer second = ask(0, dialect, pool);
    assertEquals(200, second.status());
    assertEquals("2", second.header("x-relay-attempts"));
    Answer last = ask(0, dialect, pool);
    assertEquals(500, last.status());
    assertEquals("upstream", last.header("x-relay-error-origin"));
    assertEquals("3", last.header("x-relay-attempts"));
    assertEquals(Says.error(dialect, "api_error", "no. 7"), last.text());
  }

  @ParameterizedTest
  @EnumSource
  void client_errors_pass_unchanged(Dialect dialect) throws Exception {
    String pool = pool("wrong", dialect);
    List<Integer> statuses = List.of(400, 404, 413, 422);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                Says.json(
                    statuses.get(n),
                    Says.error(dialect, "invalid_request_error", "no. " + n),
                    "request-id: req_theirs",
                    "x-ratelimit-limit-requests: 5",
                    "anthropic-ratelimit-requests-limit: 5")));
    for (int n = 0; n < statuses.size(); n++) {
      Answer answer = ask(n % 2, dialect, pool);
      assertEquals(statuses.get(n), answer.status());
      assertEquals("upstream", answer.header("x-relay-error-origin"));
      assertEquals("1", answer.header("x-relay-attempts"));
      assertEquals("req_theirs", answer.header("request-id"));
      assertNull(answer.header("x-ratelimit-limit-requests"));
      assertNull(answer.header("anthropic-ratelimit-requests-limit"));
      assertEquals(Says.error(dialect, "invalid_request_error", "no. " + n), answer.text());
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_overloaded_provider_is_retried_and_its_error_passed_on_at_last(Dialect dialect)
      throws Exception {
    String pool = pool("busy", dialect);
    int status = dialect == Dialect.ANTHROPIC ? 529 : 503;
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                n == 4
                    ? Says.fine(dialect)
                    : Says.json(status, Says.error(dialect, "overloaded_error", "no. " + n))));
    Answer answer = ask(0, dialect, pool);
    assertEquals(status, answer.status());
    assertEquals("upstream", answer.header("x-relay-error-origin"));
    assertEquals("3", answer.header("x-relay-attempts"));
    assertEquals(Says.error(dialect, "overloaded_error", "no. 2"), answer.text());
    assertEquals(200, ask(0, dialect, pool).status());
  }

  private static String spendStop(Dialect dialect) {
    return switch (dialect) {
      case ANTHROPIC ->
          "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"no\","
              + "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}";
      case OPENAI ->
          "{\"error\":{\"message\":\"no\",\"type\":\"insufficient_quota\",\"param\":null,"
              + "\"code\":\"insufficient_quota\"}}";
    };
  }

  @ParameterizedTest
  @EnumSource
  void a_spend_stop_quarantines_the_whole_account(Dialect dialect) throws Exception {
    String pool = pool("spent", dialect);
    String stop = spendStop(dialect);
    String other = pool + "-3";
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                request.key().equals(Setup.secret(other))
                    ? Says.fine(dialect)
                    : Says.json(429, stop)));
    List<String> keys = new ArrayList<>();
    for (int n = 0; n < 6; n++) {
      Answer answer = ask(n % 2, dialect, pool);
      assertEquals(200, answer.status(), answer.toString());
      keys.add(value(answer, "x-relay-key"));
    }
    assertEquals(List.of(other, other, other, other, other, other), keys);
    long refusals = keysUsed(pool).stream().filter(key -> !key.equals(Setup.secret(other))).count();
    assertEquals(1, refusals, "both keys of the account should be out of use at once");
    replicas.awaitLine(pool, pool + "-1", "status quarantined");
    replicas.awaitLine(pool, pool + "-2", "status quarantined");
    replicas.awaitLine(pool, pool + "-3", "status active");
  }

  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, gzip", "ANTHROPIC, deflate", "ANTHROPIC, raw", "ANTHROPIC, long", "ANTHROPIC, cut",
    "OPENAI, gzip", "OPENAI, deflate", "OPENAI, raw", "OPENAI, long", "OPENAI, cut"
  })
  void a_compressed_spend_stop_is_recognized(Dialect dialect, String packing) throws Exception {
    String pool = pool(packing, dialect);
    boolean gzip = List.of("gzip", "long", "cut").contains(packing);
    boolean cut = packing.equals("cut"); // the connection breaks before the announced length
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out =
        gzip
            ? new GZIPOutputStream(packed)
            : new DeflaterOutputStream(packed, new Deflater(6, packing.equals("raw")))) {
      out.write(spendStop(dialect).getBytes(UTF_8));
      if (packing.equals("long")) { // longer than Relay reads of a refusal
        byte[] noise = new byte[100_000];
        new Random(1).nextBytes(noise);
        out.write(noise);
      }
    }
    behaviours.put(
        pool,
        (n, request, connection) -> {
          if (n > 0) {
            connection.write(Says.fine(dialect));
            return;
          }
          connection.write(
              "HTTP/1.1 429 No\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n"
                  .formatted(gzip ? "gzip" : "deflate", packed.size() + (cut ? 9 : 0)));
          connection.write(packed.toByteArray());
          if (cut) {
            connection.close();
          }
        });
    Ask ask = Ask.of(dialect, pool).header("accept-encoding: gzip, deflate");
    assertEquals(200, RawClient.ask(replicas.port(0), ask).status());
    String refused = keysUsed(pool).getFirst();
    for (int n = 1; n <= 3; n++) {
      String key = pool + "-" + n;
      boolean out = refused.equals(Setup.secret(key));
      replicas.awaitLine(pool, key, out ? "status quarantined" : "status active");
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_refused_key_is_quarantined_and_another_serves(Dialect dialect) throws Exception {
    String pool = pool("refused", dialect);
    behaviours.put(
        pool,
        (n, request, connection) ->
            connection.write(
                n < 2
                    ? Says.json(n == 0 ? 401 : 403, Says.error(dialect, "x", request.key()))
                    : Says.fine(dialect)));
    Answer answer = ask(0, dialect, pool);
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("3", answer.header("x-relay-attempts"));
    String good = value(answer, "x-relay-key");
    for (int n = 0; n < 4; n++) {
      assertEquals(good, ask(n % 2, dialect, pool).header("x-relay-key"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void after_a_connection_loss_before_the_first_byte_the_next_key_is_tried(Dialect dialect)
      throws Exception {
    String pool = pool("reset", dialect);
    behaviours.put(
        pool,
        (n, request, connection) -> {
          switch (n) {
            case 0 -> connection.reset();
            case 1 -> connection.close();
            default -> connection.write(Says.fine(dialect));
          }
        });
    Answer answer = ask(0, dialect, pool);
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("3", answer.header("x-relay-attempts"));
    assertEquals(3, keysUsed(pool).stream().distinct().count());
  }
}
