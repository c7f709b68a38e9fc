package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** Three replicas spend a budget at once, and one of them is killed while its requests run. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BudgetCrashTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BUDGET = 600; // tokens
  private static final int REPLICAS = 3;
  private static final int EACH = 40; // requests at a replica
  private static final int GONE = -1;

  private final CountDownLatch answers = new CountDownLatch(1);
  private final AtomicInteger received = new AtomicInteger();
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            received.incrementAndGet();
            answers.await(60, TimeUnit.SECONDS);
            connection.write(Says.fine(Dialect.ANTHROPIC));
          });
  private final Replicas replicas =
      new Setup()
          .client("team", "budget: [{ tokens: %d, per: month }]".formatted(BUDGET))
          .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1"))
          .start(REPLICAS);

  BudgetCrashTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    answers.countDown();
    replicas.close();
    provider.close();
  }

  private static Ask ask() {
    return Ask.of(Dialect.ANTHROPIC, "p").from("team").body(Ask.body("p", "\"max_tokens\":3,"));
  }

  private long used() throws IOException {
    Ask usage = ask().method("GET").target("/v1/relay/usage");
    JsonNode told = JSON.readTree(RawClient.ask(replicas.port(1), usage).text());
    return told.get("budgets").get(0).get("used").asLong();
  }

  private int status(int replica, AtomicInteger refused) {
    try {
      int status = RawClient.ask(replicas.port(replica), ask()).status();
      if (status != 200) {
        refused.incrementAndGet();
      }
      return status;
    } catch (IOException e) {
      return GONE;
    }
  }

  @Test
  void a_budget_is_exact_but_for_what_the_dead_had_reserved() throws Exception {
    List<Future<Integer>> all = new ArrayList<>();
    AtomicInteger refused = new AtomicInteger();
    long granted;
    long reserved;
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int n = 0; n < REPLICAS * EACH; n++) {
        int replica = n % REPLICAS;
        all.add(clients.submit(() -> status(replica, refused)));
      }
      Await.until(
          "all are at the provider or refused",
          () -> received.get() + refused.get() == REPLICAS * EACH);
      granted = received.get();
      reserved = used();
      assertTrue(reserved <= BUDGET, reserved + " reserved");
      assertEquals(0, reserved % granted, "all reserve the same");
      assertTrue(reserved + reserved / granted > BUDGET, "there is no room for one more");
      replicas.get(0).kill();
      Await.until("its clients see it", () -> count(all, 0, GONE) + count(all, 0, 402) == EACH);
      answers.countDown();
    }
    long dead = count(all, 0, GONE);
    long served = count(all, 1, 200) + count(all, 2, 200);
    assertTrue(dead > 0 && served > 0, dead + " died, " + served + " were served");
    assertEquals(granted, dead + served);
    long exact = dead * (reserved / granted) + served * (Says.INPUT + Says.OUTPUT);
    Await.until("it is settled", () -> used() == exact);

    long more = 0;
    while (RawClient.ask(replicas.port(1 + (int) (more % 2)), ask()).status() == 200) {
      more++;
      assertTrue(more < BUDGET, "never refused");
    }
    long then = exact + more * (Says.INPUT + Says.OUTPUT);
    assertTrue(then <= BUDGET, then + " used");
    Await.until("it is settled again", () -> used() == then);
  }

  private static long count(List<Future<Integer>> all, int replica, int status) {
    long count = 0;
    for (int n = replica; n < all.size(); n += REPLICAS) {
      count += all.get(n).isDone() && all.get(n).resultNow() == status ? 1 : 0;
    }
    return count;
  }
}
