package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import relay.guards.Await;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.pool.Configs;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;

/**
 * What the dashboard shows while something is wrong: refused clients, no Redis, no replica. Each
 * test breaks a Relay of its own.
 */
@Tag("slow")
@Timeout(180)
@TestInstance(Lifecycle.PER_CLASS)
class DashboardProblemsBrowserTest {
  private static final String GROUP = "#groups tbody tr:nth-child(1)";
  private static final String CLIENT = "#clients tbody tr:nth-child(1)";

  @AutoClose private final Browser browser = new Browser();

  @Test
  void who_is_refused_comes_first_and_alone_in_colour() throws Exception {
    String clients =
        "server: { auth: { clients: [{ name: alpha, key: client-secret-a, rpm_limit: 1 },"
            + " { name: zeta, key: client-secret-z }] } }\n";
    try (ServedPools own = ServedPools.of(Configs.of(clients + Configs.POOLS));
        AdminServer its = own.serve()) {
      Demand demand = Demand.of("default", 70, 30).on("alpha");
      assertInstanceOf(
          Acquisition.Granted.class, own.clients().acquire(demand).get(20, TimeUnit.SECONDS));
      browser.looks(1180, 980, "light");
      browser.open(its.port());
      browser.awaitText(CLIENT, words -> words.startsWith("alpha ok 1 / 1 "));
      assertEquals(0, browser.count("#pools .bad, #clients .bad, #tiles .bad"), "a full limit");
      own.poolDenials = Map.of("openai", Map.of("cooldown", 5L));
      own.clientCounts = Map.of("zeta", new ClientCounts(10, 4, 0, Map.of("requests", 4L)));
      String row = "zeta refused 4 of 10 in a minute: requests 4 ";
      browser.awaitText(CLIENT, words -> words.startsWith(row));
      String verdict = "2 problems, since \\d\\d:.*; not served: zeta\\.";
      browser.awaitText("#verdict", words -> words.matches(verdict));
      String problem = "1 client refused in the last minute: zeta (40 %)";
      browser.awaitText("#problems li:nth-child(2)", words -> words.startsWith(problem));
      browser.awaitText("#refusals", words -> words.contains("client zeta requests 4 40 %"));
      assertTrue(browser.text("#pools tbody tr:nth-child(1)").startsWith("openai "));
      assertEquals(1, browser.count("#pools .bad"));
      assertEquals(1, browser.count("#clients .bad"));
      assertEquals(color("#verdict"), color("#clients .bad"));
      assertNotEquals(color("#verdict"), color("#clients td"));
      browser.screenshot("refusals");

      browser.find("#problems a[data-pool=openai]").click();
      browser.awaitText("#keys", words -> words.startsWith("o-1 "));
      browser.click("#clients thead", "client");
      browser.awaitText(CLIENT, words -> words.startsWith("alpha "));
      browser.click("#clients thead", "client");
      browser.awaitText(CLIENT, words -> words.startsWith("zeta "));
      Await.until("the log is read", () -> browser.count("#events.none, #event-list td") > 0);
    }
  }

  private String color(String selector) {
    String script = "return getComputedStyle(document.querySelector(arguments[0])).color";
    return String.valueOf(browser.run(script, selector));
  }

  @Test
  void an_outage_shows_the_last_values_and_their_age() throws Exception {
    try (ServedPools own = ServedPools.of(Configs.of(Configs.POOLS))) {
      try (AdminServer its = own.serve()) {
        browser.looks(1180, 980, "light");
        browser.open(its.port());
        browser.awaitText(GROUP, row -> row.startsWith("acme/"));
        own.stopRedis();
        String age = "Pools and clients are shown as of [1-9]\\d* s ago\\.";
        browser.awaitText("#age", words -> words.matches(age));
        String problem = "Redis does not answer; .* decides, since \\d\\d:.*";
        browser.awaitText("#problems", words -> words.matches(problem));
        assertTrue(browser.text(GROUP).startsWith("acme/"));
        assertEquals("0.55", opacity("#pool-title"));
        assertEquals("1", opacity("#traffic-title"), "of this replica, so it is new");
        browser.screenshot("outage");
      }
      browser.awaitText("#connection", words -> words.startsWith("no news for "));
      browser.awaitText("#problems", words -> words.startsWith("this replica does not answer"));
      assertEquals("0.55", opacity("#traffic-title"));
    }
  }

  /** The opacity of the section with this title: what is stale is pale. */
  private String opacity(String title) {
    String section = "document.querySelector(arguments[0]).closest('section')";
    return String.valueOf(browser.run("return getComputedStyle(" + section + ").opacity", title));
  }
}
