package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * The cost of a client's own limits: calls and round trips, and their enforcement during a Redis
 * outage.
 */
@Tag("slow")
class ClientRoundTripTest {
  private static final Pattern ACQUIRE = Pattern.compile("_acquire(_named)?\r\n");

  @AutoClose private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);

  @AutoClose private final EmbeddedRedis redis = EmbeddedRedis.start();

  ClientRoundTripTest() throws Exception {}

  private Setup setup(String limits) {
    return new Setup()
        .client("limited", limits)
        .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p1"));
  }

  private static Ask limited() {
    return Ask.of(Dialect.ANTHROPIC, "p").from("limited");
  }

  private static long acquires(String asked, String pool) {
    return List.of(asked.split("FCALL\r\n", -1)).stream()
        .filter(call -> ACQUIRE.matcher(call).find() && call.contains(":{" + pool + "}:"))
        .count();
  }

  @Test
  void both_pools_are_called_before_either_has_replied() throws Exception {
    try (RedisRelay before = new RedisRelay(redis.port());
        Replicas replicas =
            setup("rpm_limit: 1000")
                .withoutRedisUrl()
                .redis("url: redis://127.0.0.1:" + before.port())
                .redis("timeout_ms: 20000")
                .start(1);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      assertEquals(200, RawClient.ask(replicas.port(0), limited()).status());
      Await.until( // the client's ending is a call of acquire_named, too
          "the first is settled",
          () -> acquires(before.asked(), "@clients") == 2 && before.asked().contains("_settle"));
      before.hold();
      Future<Answer> answer = threads.submit(() -> RawClient.ask(replicas.port(0), limited()));
      try {
        Await.until(
            "both pools are asked",
            () -> acquires(before.asked(), "@clients") == 1 && acquires(before.asked(), "p") == 1);
      } finally {
        before.release();
      }
      assertEquals(200, answer.get(20, TimeUnit.SECONDS).status());
    }
  }

  @Test
  void a_client_without_limits_costs_nothing() throws Exception {
    try (Replicas replicas = setup("rpm_limit: 1000").on(redis).start(1);
        Monitor monitor = new Monitor(redis.port())) {
      Ask free = Ask.of(Dialect.ANTHROPIC, "p");
      for (int n = 1; n <= 4; n++) {
        assertEquals(200, RawClient.ask(replicas.port(0), free).status());
        int calls = 2 * n;
        Await.until("request " + n + " is settled", () -> monitor.leaseCalls() >= calls);
        assertEquals(calls, monitor.leaseCalls());
      }
      assertEquals(200, RawClient.ask(replicas.port(0), limited()).status());
      Await.until("all is settled", () -> monitor.leaseCalls() >= 12);
      assertEquals(12, monitor.leaseCalls(), "two calls before and two after");
    }
  }

  @Test
  void without_redis_a_client_gets_its_fair_share() throws Exception {
    try (Replicas replicas = setup("rpm_limit: 6").on(redis).start(1)) {
      assertEquals(200, RawClient.ask(replicas.port(0), limited()).status());
      redis.close();
      // The fair share starts empty, and the pool's key has no limits.
      Await.until(
          "the client's share is used up",
          () -> {
            Answer answer = RawClient.ask(replicas.port(0), limited());
            return answer.status() == 429 && answer.text().contains("rpm_limit 6 ");
          });
      assertEquals(200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "p")).status());
      String log = replicas.get(0).log();
      assertTrue(!log.contains("failed inside Relay"), log);
    }
  }
}
