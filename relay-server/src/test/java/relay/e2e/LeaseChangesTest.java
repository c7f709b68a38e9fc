package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Leases that are open while the config changes, or Redis is away. */
@Tag("slow")
class LeaseChangesTest {
  private static final String LEASES = "leases: true";

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      setup(true, true).client("fired", LEASES).client("idle", LEASES).start(2);
  private final LeaseWorkers workers = new LeaseWorkers(replicas);

  LeaseChangesTest() throws Exception {}

  @AfterEach
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Setup setup(boolean trusted, boolean all) throws IOException {
    return setup(trusted, all, 10_000);
  }

  private Setup setup(boolean trusted, boolean all, int limit) throws IOException {
    Setup setup = new Setup().redis("timeout_ms: 300").client("worker", LEASES);
    if (trusted) {
      setup.client("demoted", LEASES);
    } else {
      setup.client("demoted");
    }
    if (all) {
      setup.provider("gone", Dialect.ANTHROPIC, provider.url(), Setup.key("gone"));
    }
    String[] keys = {
      Setup.key("p-1", "itpm_limit: 10000, account: a"), Setup.key("p-2", "itpm_limit: " + limit)
    };
    return setup.provider(
        "p", Dialect.ANTHROPIC, provider.url(), all ? keys : new String[] {keys[1]});
  }

  @Test
  void what_a_reload_takes_away_can_be_given_back() throws Exception {
    JsonNode first = workers.granted("demoted", "p", ",\"avoid\":[\"p-1\"]");
    JsonNode second = workers.granted("demoted", "p", ",\"avoid\":[\"p-1\"]");
    JsonNode ofFired = workers.granted("fired", "p", ",\"avoid\":[\"p-1\"]");
    JsonNode ofKey = workers.granted("worker", "p", ",\"avoid\":[\"p-2\"]");
    JsonNode ofProvider = workers.granted("worker", "gone", "");
    assertEquals("p-1", ofKey.get("key").asText());
    for (int n = 0; n < 2; n++) {
      assertEquals(200, replicas.reload(n, setup(false, false)).status());
    }
    workers.refused(403, "demoted", "p", "");
    workers.told(403, "demoted", first, "progress", "{\"output_tokens\":1}");
    workers.told(403, "demoted", first, "refused", "{\"status\":401}");
    workers.told(403, "demoted", first, "observed", "{}");
    workers.settled("demoted", first, 70, 1);
    workers.cancelled("demoted", second);
    workers.told(401, "fired", ofFired, "settle", "{}");
    workers.told(200, "worker", ofKey, "refused", "{\"status\":401}");
    workers.told(404, "worker", ofProvider, "settle", "{}");
    replicas.awaitLine("p", "p-2/default", "itpm 170/10000 .*inflight 1"); // that of the fired one
    JsonNode again = workers.granted("worker", "p", "");
    assertEquals("p-2", again.get("key").asText());
    workers.settled("worker", again, 10, 1);
    replicas.awaitLine("p", "p-2/default", "itpm 180/10000 .*inflight 1");
  }

  /** A bulk lease is charged to a limit that is less than the lease by then. */
  @Test
  void a_limit_that_changes_counts_what_is_open() throws Exception {
    String bulk = "{\"model\":\"p\",\"avoid\":[\"p-1\"],\"requests\":5,\"input_tokens\":5000}";
    JsonNode open = workers.call("worker", "POST", LeaseWorkers.LEASES, bulk).json();
    reload(4_000);
    String one = ",\"avoid\":[\"p-1\"]";
    for (int n = 0; n < 2; n++) {
      Answer denied = workers.acquire("worker", "p", one);
      assertEquals(429, denied.status(), denied::text);
      assertNotNull(denied.header("retry-after-ms"));
    }
    workers.told(200, "worker", open, "progress", "{\"output_tokens\":5}");
    replicas.awaitLine("p", "p-2/default", "itpm 5000/4000 .*inflight 1");
    workers.settled("worker", open, 70, 5);
    replicas.awaitLine("p", "p-2/default", "itpm 70/4000 .*inflight 0");
    JsonNode next = workers.granted("worker", "p", one);
    reload(20_000);
    replicas.awaitLine("p", "p-2/default", "itpm 170/20000 .*inflight 1");
    workers.cancelled("worker", next);
    replicas.awaitLine("p", "p-2/default", "itpm 70/20000 .*inflight 0");
  }

  private void reload(int limit) throws Exception {
    for (int n = 0; n < 2; n++) {
      assertEquals(200, replicas.reload(n, setup(true, true, limit)).status());
    }
  }

  @Test
  void without_redis_a_worker_asks_again_and_loses_nothing() throws Exception {
    JsonNode lease = workers.granted("worker", "p", ",\"avoid\":[\"p-1\"]");
    workers.granted("worker", "p", ",\"avoid\":[\"p-1\"],\"idempotency_key\":\"k\"");
    signal("STOP");
    try {
      for (int n = 0; n < 2; n++) {
        Answer more = workers.acquire("worker", "p", "");
        assertEquals(503, more.status(), more::text);
        assertNotNull(more.header("retry-after"));
        assertEquals(503, workers.acquire("worker", "p", ",\"idempotency_key\":\"k\"").status());
        Answer settle = workers.tell("worker", lease, "settle", "{\"input_tokens\":70}");
        assertEquals(503, settle.status(), settle::text);
        assertNotNull(settle.header("retry-after"));
      }
    } finally {
      signal("CONT");
    }
    again(() -> workers.tell("worker", lease, "settle", "{\"input_tokens\":70}"));
    replicas.awaitLine("p", "p-2/default", "itpm 170/10000 .*inflight 1");
    JsonNode kept =
        again(
            () -> workers.acquire("worker", "p", ",\"avoid\":[\"p-1\"],\"idempotency_key\":\"k\""));
    again(() -> workers.tell("worker", kept, "settle", "{\"input_tokens\":30}"));
    replicas.awaitLine("p", "p-2/default", "itpm 100/10000 .*inflight 0");
  }

  /** Sends a call until it is done, as a worker does: each replica finds Redis again by itself. */
  private static JsonNode again(Callable<Answer> call) throws Exception {
    AtomicReference<Answer> last = new AtomicReference<>();
    Await.until(
        "it is done",
        () -> {
          Answer answer = call.call();
          last.set(answer);
          assertTrue(answer.status() == 200 || answer.status() == 503, answer::text);
          return answer.status() == 200;
        });
    return last.get().json();
  }

  private void signal(String name) throws Exception {
    String pid = Long.toString(replicas.redis().pid());
    assertEquals(0, new ProcessBuilder("kill", "-" + name, pid).start().waitFor());
  }
}
