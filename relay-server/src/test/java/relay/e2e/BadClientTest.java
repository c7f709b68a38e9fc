package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/** A client whose requests make a provider fail does not take the provider from the others. */
@Tag("slow")
class BadClientTest {
  private static final String POOL = "shared";

  private static void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws Exception {
    connection.write(
        request.text().contains("poison")
            ? Says.json(500, Says.error(Dialect.ANTHROPIC, "api_error", "internal"))
            : Says.fine(Dialect.ANTHROPIC));
  }

  private static int ask(Replicas replicas, String client, String body) throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, POOL).from(client).body(body);
    return RawClient.ask(replicas.port(0), ask).status();
  }

  @Test
  void other_clients_requests_pass_while_one_clients_fail() throws Exception {
    String good = Ask.body(POOL, "");
    String bad = good.replace("Hello", "poison");
    try (RawProvider provider = new RawProvider(BadClientTest::answer);
        Replicas replicas =
            new Setup()
                .client("good")
                .client("bad")
                .provider(
                    POOL,
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of("max_attempts: 3"),
                    List.of(Setup.key("a"), Setup.key("b"), Setup.key("c")))
                .start(1);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int n = 0; n < 10; n++) {
        assertEquals(200, ask(replicas, "good", good));
      }
      List<Future<Integer>> failing = new ArrayList<>();
      for (int n = 0; n < 12; n++) {
        failing.add(threads.submit(() -> ask(replicas, "bad", bad)));
      }
      for (Future<Integer> one : failing) {
        assertEquals(500, one.get(30, TimeUnit.SECONDS));
      }
      assertEquals(10 + 12 * 3, provider.received().size());
      for (int n = 0; n < 10; n++) {
        assertEquals(200, ask(replicas, "good", good), "after the failures of another client");
      }
    }
  }
}
