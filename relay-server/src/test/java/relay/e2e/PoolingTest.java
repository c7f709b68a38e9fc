package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/** The settings of {@code pooling}, over two replicas. */
@Tag("slow")
class PoolingTest {
  private static final String POOL = "pooled";
  private static final int LIMIT = 60; // requests per minute, in pools with a limit
  private static final int AT_ONCE = 8;

  private static RawProvider fine(String... headers) throws IOException {
    return new RawProvider(
        (request, connection) ->
            connection.write(Says.json(200, Says.answer(Dialect.ANTHROPIC), headers)));
  }

  private static Setup setup(String url, String pooling, String... keys) {
    return new Setup()
        .provider(POOL, Dialect.ANTHROPIC, url, List.of("pooling: " + pooling), List.of(keys));
  }

  private static Answer ask(Replicas replicas, int replica, String words) throws Exception {
    String body = Ask.body(POOL, "").replace("Hello, who are you?", words);
    return RawClient.ask(replicas.port(replica), Ask.of(Dialect.ANTHROPIC, POOL).body(body));
  }

  private static String key(Answer answer) {
    String key = answer.header("x-relay-key");
    assertNotNull(key, answer.toString());
    return key;
  }

  private static String metric(Replicas replicas, int replica, String name) throws Exception {
    return replicas
        .admin(replica, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .findFirst()
        .orElse("");
  }

  @Test
  void a_session_stays_on_its_key_and_others_are_distributed() throws Exception {
    try (RawProvider provider = fine();
        Replicas replicas =
            setup(
                    provider.url(),
                    "{ strategy: round_robin }",
                    Setup.key("a"),
                    Setup.key("b"),
                    Setup.key("c"))
                .start(2)) {
      Set<String> used = new HashSet<>();
      for (int conversation = 0; conversation < 6; conversation++) {
        String words = "Question " + conversation;
        String key = key(ask(replicas, 0, words));
        used.add(key);
        String more = words + "\"},{\"role\":\"assistant\",\"content\":\"Indeed.";
        assertEquals(key, key(ask(replicas, 1, words)));
        assertEquals(key, key(ask(replicas, 1, more)));
      }
      assertEquals(Set.of("a", "b", "c"), used);
    }
  }

  @Test
  void requests_wait_for_capacity_and_all_are_served() throws Exception {
    String pooling = "{ affinity: none, window_ms: 2000, max_wait_ms: 60000 }";
    try (RawProvider provider = fine();
        Replicas replicas =
            setup(provider.url(), pooling, Setup.key("a", "rpm_limit: 4")).start(2);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> answers = new ArrayList<>();
      for (int n = 0; n < 12; n++) {
        int replica = n % 2;
        answers.add(clients.submit(() -> ask(replicas, replica, "Hello")));
      }
      Await.until(
          "some wait",
          () ->
              !metric(replicas, 0, "relay_waiting").endsWith(" 0.0")
                  || !metric(replicas, 1, "relay_waiting").endsWith(" 0.0"));
      for (Future<Answer> answer : answers) {
        assertEquals(200, answer.get().status(), answer.get().toString());
      }
      assertEquals("relay_waiting 0.0", metric(replicas, 0, "relay_waiting"));
    }
  }

  @Test
  void a_client_that_leaves_while_waiting_is_not_charged() throws Exception {
    String pooling = "{ affinity: none, window_ms: 43200000, max_wait_ms: 86400000 }";
    try (RawProvider provider = fine();
        Replicas replicas =
            setup(provider.url(), pooling, Setup.key("a", "rpm_limit: 1")).start(1)) {
      assertEquals(200, ask(replicas, 0, "Hello").status());
      try (RawClient wire = new RawClient(replicas.port(0))) {
        wire.send(Ask.of(Dialect.ANTHROPIC, POOL));
        Await.until(
            "it waits", () -> metric(replicas, 0, "relay_waiting").equals("relay_waiting 1.0"));
      }
      Await.until(
          "it has left", () -> metric(replicas, 0, "relay_waiting").equals("relay_waiting 0.0"));
      replicas.awaitLine(POOL, "a/default", "rpm 1/1");
    }
  }

  @Test
  void learned_limits_are_shared_and_survive_a_restart() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RawProvider provider =
            fine(
                "anthropic-ratelimit-requests-limit: 70",
                "anthropic-ratelimit-requests-remaining: 69",
                "anthropic-ratelimit-input-tokens-limit: 5000")) {
      Setup setup = setup(provider.url(), "{ affinity: none }", Setup.key("a")).on(redis);
      try (Replicas replicas = setup.start(2)) {
        assertTrue(replicas.admin(1, "/pools").text().contains("\"learned\":{}"));
        assertEquals(200, ask(replicas, 0, "Hello").status());
        replicas.awaitLine(POOL, "a/default", "rpm 1/70 itpm 7/5000 otpm 3/-");
        String learned = "\"learned\":{\"rpm\":70,\"itpm\":5000}";
        assertTrue(replicas.admin(1, "/pools").text().contains(learned));
        replicas.get(0).terminate();
        replicas.get(1).terminate();
      }
      try (Replicas replicas = setup.start(2)) {
        String pools = replicas.admin(1, "/pools").text();
        assertTrue(pools.contains("\"limits\":{\"rpm\":70,\"itpm\":5000,"), pools);
        assertEquals(200, ask(replicas, 1, "Hello").status());
        replicas.awaitLine(POOL, "a/default", "rpm 2/70 itpm 14/5000 otpm 6/-");
      }
    }
  }

  @Test
  void a_provider_with_a_small_bucket_that_reports_remaining_rarely_refuses() throws Exception {
    Account account = new Account("a", List.of(Setup.secret("a")), LIMIT, 0, 0, 0);
    Settings settings =
        new Settings(List.of(account), Duration.ofMinutes(1), 1.0 / 6, Enforcement.TOKEN_BUCKET, 0);
    try (ProviderSimulator provider = ProviderSimulator.start(settings);
        Replicas replicas = limited(provider.url().toString())) {
      askAll(replicas);
      // Until the first answer arrives, all concurrent clients may have a request in progress.
      assertTrue(provider.stats().refused() <= AT_ONCE, provider.stats()::toString);
    }
  }

  @Test
  void the_burst_shrinks_to_the_bucket_of_a_provider_without_headers() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        asked.incrementAndGet() <= LIMIT / 6
                            ? Says.fine(Dialect.ANTHROPIC)
                            : Says.json(
                                429,
                                Says.error(Dialect.ANTHROPIC, "rate_limit_error", "slow down"),
                                "retry-after: 60")));
        Replicas replicas = limited(provider.url())) {
      askAll(replicas);
      // The first refusal starts a cooldown for all: only requests already in progress are refused,
      // too.
      int refused = asked.get() - LIMIT / 6;
      assertTrue(refused >= 1 && refused <= AT_ONCE, refused + " refused");
      for (int n = 0; n < 2; n++) {
        int replica = n;
        Await.until(
            "the burst is smaller",
            () -> replicas.admin(replica, "/pools").text().matches("(?s).*\"burst\":0\\.[0-9]+.*"));
      }
    }
  }

  private static Replicas limited(String url) throws Exception {
    return setup(url, "{ affinity: none }", Setup.key("a", "rpm_limit: " + LIMIT)).start(2);
  }

  /** Sends requests; an idle group admits half of the limit at once. */
  private static void askAll(Replicas replicas) throws Exception {
    try (ExecutorService clients = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<Answer>> answers = new ArrayList<>();
      for (int n = 0; n < LIMIT; n++) {
        int replica = n % 2;
        answers.add(clients.submit(() -> ask(replicas, replica, "Hello")));
      }
      for (Future<Answer> answer : answers) {
        int status = answer.get().status();
        assertTrue(status == 200 || status == 429, "status " + status);
      }
    }
  }
}
