package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Settings;

/** All endpoints together, over two replicas: Redis and the provider agree on the charges. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EndpointLedgerTest {
  private static final int ROUNDS = 4;

  private final ProviderSimulator provider =
      ProviderSimulator.start(
          Settings.of(Duration.ofMinutes(1), account("anthropic"), account("openai")));
  private final Replicas replicas =
      new Setup()
          .provider(
              "anthropic", Dialect.ANTHROPIC, provider.url().toString(), Setup.key("anthropic"))
          .provider(
              "openai",
              Dialect.OPENAI,
              provider.url().toString(),
              List.of("passthrough: true"),
              List.of(Setup.key("openai")))
          .start(2);

  EndpointLedgerTest() throws Exception {}

  private static Account account(String name) {
    return new Account(name, List.of(Setup.secret(name)), 0, 0, 0, 0);
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer ask(int replica, Ask ask) throws Exception {
    Answer answer = RawClient.ask(replicas.port(replica), ask);
    assertEquals(200, answer.status(), answer.toString());
    return answer;
  }

  @Test
  void the_pools_used_tokens_equal_the_providers_charges() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < ROUNDS; round++) {
      for (Endpoint endpoint : Endpoint.values()) {
        for (String stream : List.of("false", "true")) {
          for (String accepted : List.of("identity", "gzip", "deflate, gzip;q=0.5")) {
            Dialect dialect = endpoint.dialect();
            Ask ask =
                Ask.of(dialect, "")
                    .target(endpoint.path())
                    .body(Ask.body(pool(dialect), "\"stream\":" + stream + ","))
                    .header("accept-encoding: " + accepted)
                    .header("x-sim-gzip: 1")
                    .header("x-sim-input-tokens: " + random.nextInt(1_000))
                    .header("x-sim-output-tokens: " + random.nextInt(1_000));
            ask(round % 2, ask);
          }
        }
      }
    }
    byte[] noise = new byte[50_000];
    random.nextBytes(noise);
    Ask upload = Ask.of(Dialect.OPENAI, "").target("/v1/files?a=b").contentType("").body(noise);
    Answer echoed = ask(0, upload.chunked(1_000));
    assertArrayEquals(noise, echoed.body());
    assertEquals("POST /v1/files?a=b", echoed.header("x-sim-asked"));

    assertEquals(6 * ROUNDS, charged("anthropic", Dimension.REQUESTS), "messages alone");
    assertEquals(6 * ROUNDS, provider.stats().countTokens());
    for (Dialect dialect : Dialect.values()) {
      String pool = pool(dialect);
      replicas.awaitLine(
          pool,
          pool + "/default",
          "rpm %d/- itpm %d/- otpm %d/- inflight 0"
              .formatted(
                  charged(pool, Dimension.REQUESTS),
                  charged(pool, Dimension.INPUT_TOKENS),
                  charged(pool, Dimension.OUTPUT_TOKENS)));
    }
  }

  private static String pool(Dialect dialect) {
    return switch (dialect) {
      case ANTHROPIC -> "anthropic";
      case OPENAI -> "openai";
    };
  }

  private long charged(String account, Dimension dimension) {
    return provider.charged(account, dimension, 0, Long.MAX_VALUE);
  }
}
