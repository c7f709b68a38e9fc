package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * A request that only one key of the pool is large enough for: the error states why that key is
 * unavailable.
 */
@Tag("slow")
class OneLargeKeyTest {
  private static Setup setup(Dialect dialect, RawProvider provider) {
    return new Setup()
        .provider(
            "p", dialect, provider.url(), Setup.key("large"), Setup.key("small", "itpm_limit: 1"));
  }

  private static List<String> keysUsed(RawProvider provider) {
    return provider.received().stream().map(Received::key).toList();
  }

  @ParameterizedTest
  @EnumSource
  void its_429_becomes_the_pools_429(Dialect dialect) throws Exception {
    String busy =
        Says.json(429, Says.error(dialect, "rate_limit_error", "slow down"), "retry-after: 9");
    try (RawProvider provider = new RawProvider((request, connection) -> connection.write(busy));
        Replicas replicas = setup(dialect, provider).start(1)) {
      for (int n = 0; n < 2; n++) {
        Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, "p"));
        Errors.relays(answer, dialect, 429, "rate_limit_error");
        long ms = Errors.retryAfterMs(answer);
        assertTrue(ms > 2000 && ms <= 9000, answer.toString());
      }
      assertEquals(List.of(Setup.secret("large")), keysUsed(provider));
    }
  }

  @ParameterizedTest
  @EnumSource
  void while_it_is_quarantined_the_pool_cannot_serve(Dialect dialect) throws Exception {
    String refused = Says.json(401, Says.error(dialect, "authentication_error", "who are you?"));
    try (RawProvider provider =
            new RawProvider((request, connection) -> connection.write(refused));
        Replicas replicas = setup(dialect, provider).start(1)) {
      for (int n = 0; n < 2; n++) {
        Answer answer = RawClient.ask(replicas.port(0), Ask.of(dialect, "p"));
        Errors.relays(answer, dialect, 503, "api_error");
      }
      assertEquals(List.of(Setup.secret("large")), keysUsed(provider));
    }
  }
}
