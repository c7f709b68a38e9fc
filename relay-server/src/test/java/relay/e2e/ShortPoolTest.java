package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** Clients with limits of their own in a pool that is short, beside one that has none. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ShortPoolTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int REFUSED = 20;

  private final RawProvider provider =
      new RawProvider((_, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  private final Replicas replicas =
      new Setup()
          .client("few", "rpm_limit: 2")
          .client("spent", "budget: [{ tokens: 1, per: day }]")
          .client("other")
          .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1", "rpm_limit: 8"))
          .provider("q", Dialect.ANTHROPIC, provider.url(), Setup.key("q-1"))
          .start(1);

  ShortPoolTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer ask(String model, String client) throws Exception {
    return RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, model).from(client));
  }

  private void awaitWaiting(String client, int requests) throws Exception {
    Await.until(
        "%d of %s wait".formatted(requests, client),
        () -> replicas.client(0, client).get("waiting").asInt() == requests);
  }

  /** A place that it cannot use would be capacity that nobody gets. */
  @Test
  void a_client_that_stays_at_its_own_limit_or_budget_takes_no_place_in_the_queue()
      throws Exception {
    assertEquals(200, ask("q", "few").status());
    assertEquals(200, ask("q", "few").status());
    assertEquals(429, ask("q", "few").status());
    assertEquals(402, ask("q", "spent").status());
    assertEquals(0, replicas.client(0, "other").get("share_ratio").asDouble(), "nothing is short");
    int granted = 0;
    while (ask("p", "other").status() == 200) {
      granted++;
    }
    assertTrue(granted >= 2, granted + " granted");
    awaitWaiting("other", 1);
    for (int n = 0; n < REFUSED; n++) {
      Answer few = ask("p", "few");
      assertEquals(429, few.status(), few.toString());
      assertTrue(few.text().contains("client few is at its own limit"), few.toString());
      assertEquals(402, ask("p", "spent").status());
    }
    Ask another = Ask.of(Dialect.ANTHROPIC, "p").body(Ask.body("p", "\"top_k\":2,"));
    assertEquals(429, RawClient.ask(replicas.port(0), another.from("other")).status());
    awaitWaiting("other", 2); // so what came before is seen as well
    assertEquals(0, replicas.client(0, "few").get("waiting").asInt());
    assertEquals(0, replicas.client(0, "spent").get("waiting").asInt());
  }

  @Test
  void a_client_with_budgets_alone_has_no_limits() throws Exception {
    Ask usage =
        Ask.of(Dialect.ANTHROPIC, "p").from("spent").method("GET").target("/v1/relay/usage");
    JsonNode own = JSON.readTree(RawClient.ask(replicas.port(0), usage).text());
    assertTrue(own.get("limits").isNull(), own.toString());
    assertEquals(1, own.get("budgets").size(), own.toString());
    assertTrue(replicas.client(0, "spent").get("limits").isNull());
  }
}
