package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/** A worker whose acquire was answered, but not to it, acquires again and holds one lease. */
@Tag("slow")
class LostAnswerTest {
  private static final int ROUNDS = 30;

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .client("worker", "leases: true")
          .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p", "rpm_limit: 1000"))
          .start(2);

  LostAnswerTest() throws Exception {}

  @AfterEach
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask wish(int n) {
    return LeaseWorkers.wish("worker", "p", ",\"idempotency_key\":\"k%d\"".formatted(n));
  }

  private JsonNode granted(int replica, int n) throws IOException {
    Answer answer = RawClient.ask(replicas.port(replica), wish(n));
    assertEquals(200, answer.status(), answer::text);
    return answer.json();
  }

  @Test
  void every_replica_can_repeat_an_answer_as_soon_as_it_has_come() throws Exception {
    try (RedisSocket redis = replicas.redisSocket()) {
      for (int n = 0; n < ROUNDS; n++) {
        String lease = granted(n % 2, n).get("lease").asText();
        List<String> names = redis.list("KEYS", "*idempotency:*");
        assertEquals(n + 1, names.size());
        boolean isKept = false;
        for (String name : names) {
          String kept = redis.text("GET", name);
          assertFalse(kept.startsWith("pending"), kept);
          isKept |= kept.contains(lease);
        }
        assertTrue(isKept);
      }
    }
    JsonNode last = granted(0, ROUNDS);
    replicas.get(0).kill();
    assertEquals(last, granted(1, ROUNDS));
  }

  @Test
  void who_hangs_up_before_the_answer_asks_again_and_holds_one_lease() throws Exception {
    for (int n = 0; n < ROUNDS; n++) {
      try (RawClient leaves = new RawClient(replicas.port(n % 2))) {
        leaves.send(wish(n));
      }
      JsonNode lease = granted((n + 1) % 2, n);
      assertEquals(lease, granted(n % 2, n));
    }
    replicas.awaitLine("p", "p/default", "rpm %1$d/1000 .*inflight %1$d".formatted(ROUNDS));
  }
}
