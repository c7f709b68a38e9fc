package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Clients' own limits with {@code max_wait_ms}. Requests wait for a provider's capacity, but not
 * for the client's own limit. A waiting request holds its share of the client's limits until it
 * ends or the client leaves.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientWaitTest {
  private static final String CLIENTS = "@clients";
  private static final String HOURS =
      "pooling: { affinity: none, window_ms: 21600000, max_wait_ms: ";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .client("few", "rpm_limit: 4")
          .client("one", "max_concurrent: 1")
          .client("many", "rpm_limit: 1000")
          .client("late", "rpm_limit: 1000")
          .provider(
              "full-few",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of(HOURS + "86400000 }"),
              List.of(Setup.key("full-few", "rpm_limit: 1")))
          .provider(
              "full-one",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of(HOURS + "86400000 }"),
              List.of(Setup.key("full-one", "rpm_limit: 1")))
          .provider(
              "soon",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of("pooling: { affinity: none, window_ms: 2000, max_wait_ms: 60000 }"),
              List.of(Setup.key("soon", "rpm_limit: 4")))
          .provider(
              "busy",
              Dialect.ANTHROPIC,
              provider.url(),
              List.of(HOURS + "200 }"),
              List.of(Setup.key("busy", "max_concurrent: 1")))
          .start(1);

  ClientWaitTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(String model, String client) {
    return Ask.of(Dialect.ANTHROPIC, model).from(client);
  }

  private void answersWell() {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  }

  /** Sends the one request that the provider's limit admits in six hours. */
  private void fill(String pool) throws Exception {
    answersWell();
    Ask first = Ask.of(Dialect.ANTHROPIC, pool);
    assertEquals(200, RawClient.ask(replicas.port(0), first).status());
  }

  private RawClient asking(Ask ask) throws Exception {
    return new RawClient(replicas.port(0)).send(ask);
  }

  private void awaitWaiting(String pool, int wanted) throws Exception {
    Await.until(wanted + " wait", () -> waiting().contains("relay_waiting " + wanted + ".0\n"));
    replicas.awaitLine(pool, pool + "/default", "rpm 1/1 .*inflight 0");
  }

  private String waiting() throws Exception {
    return replicas.admin(0, "/metrics").text();
  }

  private void awaitClient(String client, String pattern) throws Exception {
    replicas.awaitLine(CLIENTS, client + "/default", pattern);
  }

  private static String refusedForItsOwnLimit(Answer answer, String client) throws IOException {
    String message = Errors.relays(answer, Dialect.ANTHROPIC, 429, "rate_limit_error");
    assertTrue(message.startsWith("client " + client + " is at its own limit"), message);
    return message;
  }

  @Test
  void a_client_over_its_own_limit_is_refused_at_once_and_a_cancelled_wait_returns_everything()
      throws Exception {
    fill("full-few");
    for (int round = 0; round < 2; round++) { // half of the limit is available at once, repeatedly
      try (RawClient _ = asking(ask("full-few", "few"));
          RawClient _ = asking(ask("full-few", "few"))) {
        awaitWaiting("full-few", 2);
        awaitClient("few", "rpm 2/4 .*inflight 2");
        Answer third = RawClient.ask(replicas.port(0), ask("full-few", "few"));
        String message = refusedForItsOwnLimit(third, "few");
        assertTrue(message.contains("(rpm_limit 4 a minute)"), message);
        assertTrue(Errors.retryAfterMs(third) <= 31_000, third.toString()); // behind the one before
        awaitWaiting("full-few", 2);
        awaitClient("few", "rpm 2/4 .*inflight 2");
      }
      awaitWaiting("full-few", 0);
      awaitClient("few", "rpm 0/4 itpm 0/- otpm 0/- .*inflight 0");
    }
  }

  @Test
  void a_waiting_request_counts_against_the_clients_concurrency() throws Exception {
    fill("full-one");
    for (int round = 0; round < 2; round++) {
      try (RawClient _ = asking(ask("full-one", "one"))) {
        awaitClient("one", "rpm 1/- .*inflight 1");
        Answer second = RawClient.ask(replicas.port(0), ask("full-one", "one"));
        String message = refusedForItsOwnLimit(second, "one");
        assertTrue(message.contains("(max_concurrent 1)"), message);
        awaitClient("one", "rpm 1/- .*inflight 1");
      }
      awaitClient("one", "rpm 0/- itpm 0/- otpm 0/- .*inflight 0");
    }
  }

  @Test
  void a_request_that_waited_counts_once_with_its_actual_usage() throws Exception {
    answersWell();
    List<Future<Answer>> answers = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int n = 0; n < 8; n++) {
        answers.add(threads.submit(() -> RawClient.ask(replicas.port(0), ask("soon", "many"))));
      }
      for (Future<Answer> answer : answers) {
        assertEquals(200, answer.get(60, TimeUnit.SECONDS).status());
      }
    }
    awaitClient("many", "rpm 8/1000 itpm 56/- otpm 24/- .*inflight 0");
  }

  @Test
  void a_request_that_waited_in_vain_is_not_charged() throws Exception {
    CountDownLatch served = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          served.countDown();
          assertTrue(go.await(20, TimeUnit.SECONDS));
          connection.write(Says.fine(Dialect.ANTHROPIC));
        });
    try (RawClient first = asking(ask("busy", "late"))) {
      assertTrue(served.await(20, TimeUnit.SECONDS));
      Answer second = RawClient.ask(replicas.port(0), ask("busy", "late"));
      String message = Errors.relays(second, Dialect.ANTHROPIC, 429, "rate_limit_error");
      assertFalse(message.contains("client"), message);
      awaitClient("late", "rpm 1/1000 .*inflight 1");
      go.countDown();
      assertEquals(200, first.answer().status());
    }
    awaitClient("late", "rpm 1/1000 itpm 7/- otpm 3/- .*inflight 0");
  }
}
