package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** The token ratios that replicas learn together, as an operator sees them. */
@Tag("slow")
class LearningTest {
  private static final int REQUESTS = 20;

  @Test
  void usage_by_model_is_in_redis_and_the_estimation_error_is_a_metric() throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas =
            new Setup()
                .provider("learned", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
                .start(2)) {
      for (int n = 0; n < REQUESTS; n++) {
        Ask ask = Ask.of(Dialect.ANTHROPIC, "learned");
        assertEquals(200, RawClient.ask(replicas.port(n % 2), ask).status());
      }
      AtomicReference<String> line = new AtomicReference<>("");
      try (RedisSocket redis = replicas.redisSocket()) {
        Await.until(
            "both replicas have told what they learned",
            () -> {
              line.set(redis.hash("relay:{learned}:estimates").getOrDefault("learned", ""));
              return line.get().contains(" samples " + REQUESTS + ".00 ");
            });
      }
      assertTrue(line.get().matches("tokens_per_kb \\d+ output_p90 \\d+ samples .*"), line.get());
      for (String type : new String[] {"input", "output"}) {
        assertTrue(errors(replicas, 0, type) + errors(replicas, 1, type) == REQUESTS, "of " + type);
      }
    }
  }

  private static double errors(Replicas replicas, int replica, String type) throws Exception {
    return replicas
        .admin(replica, "/metrics")
        .text()
        .lines()
        .filter(l -> l.startsWith("relay_estimate_error_ratio_count"))
        .filter(l -> l.contains("type=\"" + type + "\""))
        .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' '))))
        .sum();
  }
}
