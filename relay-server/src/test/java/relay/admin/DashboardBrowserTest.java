package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.openqa.selenium.Keys;
import relay.config.Config;
import relay.guards.Await;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.pool.ReplicaLine;
import relay.redis.RedisEngine;
import relay.redis.model.Acquisition;
import relay.redis.model.Budget;
import relay.redis.model.Demand;

/**
 * The dashboard as an operator sees it, in Chromium, over a real Redis. It leaves screenshots in
 * {@code target/screenshots}.
 */
@Tag("slow")
@Timeout(180)
@TestInstance(Lifecycle.PER_CLASS)
class DashboardBrowserTest {
  private static final int MANY = 10_000;
  private static final int CLIENTS = 300;
  private static final String GROUP = "#groups tbody tr:nth-child(1)";
  private static final String FIRST_KEY = "#keys .row[aria-selected]:nth-child(1)";

  @AutoClose private final ServedPools served = ServedPools.of(Configs.of(yaml()));
  @AutoClose private final AdminServer server = served.serve();
  @AutoClose private final Browser browser = new Browser();
  private final RawHttp http = new RawHttp(server.port());

  DashboardBrowserTest() throws Exception {}

  private static String yaml() {
    String keys =
        IntStream.rangeClosed(1, MANY)
            .mapToObj(n -> "      - { key: s-%d, id: key-%05d, account: team }\n".formatted(n, n))
            .collect(Collectors.joining());
    String clients =
        IntStream.rangeClosed(1, CLIENTS)
            .mapToObj("      - { name: c-%1$03d, key: client-%1$03d, rpm_limit: 60 }\n"::formatted)
            .collect(Collectors.joining());
    return """
    server:
      auth:
        clients:
          - { name: people, key: client-people, priority: interactive }
          - name: jobs
            key: client-jobs
            weight: 3
            budget: [{ tokens: 1000, per: month }, { usd: 20, per: day, rolling: true }]
    %sprices: [{ model: "*", input: 1.0, output: 5.0 }]
    providers:
      - name: small
        type: anthropic
        model_classes: []
        keys:
          - { key: secret-1, id: acme-1, account: acme, rpm_limit: 50, itpm_limit: 30000, otpm_limit: 8000 }
          - { key: secret-2, id: acme-2, account: acme }
          - { key: secret-3, id: solo, tpm_limit: 1000 }
      - name: large
        type: openai
        keys:
    %s\
    """
        .formatted(clients, keys);
  }

  private void reserve(int times) throws Exception {
    for (int n = 0; n < times; n++) {
      assertInstanceOf(
          Acquisition.Granted.class,
          served
              .pools()
              .getFirst()
              .acquire(Demand.of("default", 700, 30))
              .get(20, TimeUnit.SECONDS));
    }
  }

  /** The first pool, as Redis has it. */
  private JsonNode pool() throws Exception {
    return new ObjectMapper().readTree(http.get("/pools/small").body());
  }

  private static String status(JsonNode pool, String key) {
    for (JsonNode each : pool.path("keys")) {
      if (each.path("id").asText().equals(key)) {
        return each.path("status").asText();
      }
    }
    throw new AssertionError(key + " is not in " + pool);
  }

  /** The use of the first group as its row must show it. */
  private String use() throws Exception {
    JsonNode group = pool().at("/groups/0");
    assertEquals("acme/default", group.path("id").asText());
    return "%d / 50".formatted(group.at("/used/rpm").asLong());
  }

  @Test
  void values_equal_redis_and_updates_arrive_without_a_reload() throws Exception {
    browser.looks(1180, 980, "light");
    browser.open(server.port());
    browser.run("window.unchanged = 1");
    for (int round = 0; round < 2; round++) {
      reserve(3);
      Await.until(
          "the use in the page",
          () -> {
            String before = use();
            String shown = browser.text(GROUP + " td:nth-child(2)");
            return !before.startsWith("0") && before.equals(shown) && before.equals(use());
          });
    }
    assertEquals("acme/default", browser.text(GROUP + " td:nth-child(1)"));
    long input = pool().at("/groups/0/used/itpm").asLong();
    assertTrue(input >= 700, () -> "input " + input);
    assertEquals(1, browser.number("return window.unchanged"));
    assertEquals("3", browser.text("#key-count"));
    String healthy = "Healthy: 2 pools, 10003 keys; nobody was refused in the last minute.";
    browser.awaitText("#verdict", healthy::equals);
    assertEquals("", browser.text("#problems"));
    assertTrue(browser.text("#replica").matches(".+, [0-9].*, up \\d.*"));
    String facts = browser.text("#pool-facts");
    assertTrue(facts.startsWith("least_loaded, auto, window 60 s, 1 replica"), facts);
    assertEquals(4, browser.count("#pool-plots canvas")); // one for each kind of limit
    browser.screenshot("use");
  }

  @Test
  void an_action_needs_its_confirmation_and_counts_for_all() throws Exception {
    browser.looks(1180, 980, "light");
    browser.open(server.port());
    browser.awaitText(FIRST_KEY, row -> row.startsWith("acme-1"));

    browser.click(FIRST_KEY, "Act");
    browser.click("#action", "quarantine");
    browser.click("#action", "Cancel");
    assertEquals("false", browser.run("return String(document.querySelector('#action').open)"));
    assertEquals("active", status(pool(), "acme-1"));

    browser.find("#keys").sendKeys(Keys.HOME, Keys.ENTER); // as by mouse
    browser.awaitText("#action-title", "Key acme-1 of small"::equals);
    browser.click("#action", "quarantine");
    assertEquals("active", status(pool(), "acme-1"));
    browser.screenshot("confirmation");
    browser.click("#action", "Yes, quarantine acme-1");
    Await.until("it is out of use", () -> status(pool(), "acme-1").equals("quarantined"));
    browser.awaitText(FIRST_KEY, row -> row.contains("quarantined"));
    browser.awaitText("#said", "quarantine: acme-1 of small"::equals);
    browser.awaitText("#verdict", words -> words.startsWith("1 problem, since "));
    String problem = "pool small: 1 of 3 keys is quarantined: acme-1.*, since \\d\\d:.*";
    browser.awaitText("#problems", words -> words.matches(problem));
    browser.awaitText("#pools tbody tr:nth-child(1)", row -> row.matches("small .* 2 1 closed .*"));

    browser.click(FIRST_KEY, "Act");
    browser.click("#action", "restore");
    browser.click("#action", "Yes");
    browser.awaitText(FIRST_KEY, row -> row.contains("active"));
    assertEquals("active", status(pool(), "acme-1"));

    browser.click(FIRST_KEY, "Act");
    browser.click("#action", "cooldown");
    browser.click("#action", "Yes");
    browser.awaitText(FIRST_KEY, row -> row.matches(".*cooling .*(2\\d|30) s,.*"));
    browser.awaitText(FIRST_KEY, row -> row.matches(".*cooling .*2[0-8] s,.*")); // it counts down
    http.post("/pools/small/keys/acme-1/restore", "");
  }

  @Test
  void ten_thousand_keys_keep_the_document_small() throws Exception {
    browser.looks(1180, 980, "light");
    browser.open(server.port());
    browser.awaitText("#pool", pools -> pools.contains("large")); // after its first heartbeat
    browser.run(
        "const pool = document.getElementById('pool'); pool.value = 'large';"
            + " pool.dispatchEvent(new Event('input'))");
    browser.awaitText("#key-count", Integer.toString(MANY)::equals);
    browser.awaitText(FIRST_KEY, row -> row.startsWith("key-00001"));
    assertTrue(browser.count("#keys .row") < 40, () -> browser.count("#keys .row") + " rows");
    long elements = browser.number("return document.querySelectorAll(':not(#clients *)').length");
    assertTrue(elements < 1_000, () -> elements + " elements");

    browser.find("#keys").sendKeys(Keys.END);
    browser.awaitText("#keys .selected", row -> row.startsWith("key-10000 "));
    assertTrue(browser.count("#keys .row") < 40, () -> browser.count("#keys .row") + " rows");
    browser.run("document.getElementById('keys').scrollIntoView()");
    browser.screenshot("many-keys");

    browser.find("#find-key").sendKeys("key-0077");
    browser.awaitText("#key-count", "10 of 10000"::equals);
    browser.click("#statuses", "quarantined 0");
    browser.awaitText("#key-count", "0 of 10000"::equals);
  }

  private void spend(String client, long dollars) throws Exception {
    Demand demand = Demand.of("default", 700, 100).on(client).costing(dollars * Budget.DOLLAR);
    assertInstanceOf(
        Acquisition.Granted.class, served.clients().acquire(demand).get(20, TimeUnit.SECONDS));
  }

  @Test
  void clients_show_their_shares_and_budgets_and_of_many_the_busiest() throws Exception {
    spend("jobs", 5);
    spend("c-300", 0); // the last of the config
    Await.until(
        "the budget is read",
        () -> served.clients().named().spent("jobs").getFirst().spent() == 800);
    browser.looks(1180, 980, "light");
    browser.open(server.port());
    int all = CLIENTS + 2;
    browser.awaitText(
        "#client-count", "200 of %d, the busiest; 102 more match".formatted(all)::equals);
    assertEquals(200, browser.count("#clients tbody tr"));
    String last = browser.text("#clients tbody tr:last-child");
    assertTrue(last.startsWith("c-300 ok 1 / 60"), last);

    browser.find("#find-client").sendKeys("jobs");
    browser.awaitText("#client-count", ("1 of " + all)::equals);
    String row = browser.text("#clients tbody tr");
    String budgets = "800 / 1000 tokens a month 5 / 20 usd a rolling day";
    assertEquals("jobs ok 1 700 100 800 " + budgets + " standard 3 < 1 % 1", row);
    assertEquals(2, browser.count("#clients td:nth-child(10) meter"));
    Object resets = browser.run("return document.querySelector('#clients td div').title");
    assertTrue(resets.toString().matches("resets \\d{4}-\\d\\d-01 00:00 UTC"), resets.toString());
    browser.run("document.getElementById('clients-title').scrollIntoView()");
    browser.screenshot("clients");

    browser.run(
        "const find = document.getElementById('find-client');"
            + " find.value = 'people'; find.dispatchEvent(new Event('input'))");
    browser.awaitText("#clients tbody tr", people -> people.startsWith("people ok – –"));
    assertEquals(0, browser.count("#clients td:nth-child(10) meter"), "of another client's row");
  }

  /** As the engine of another replica tells it. */
  private static String line(String name, double refused) {
    return new ReplicaLine(name, "1.0", 5, "fair_share", 10, refused, 0, 4).text();
  }

  @Test
  void the_fleet_is_the_sum_of_its_replicas() throws Exception {
    Config config = Configs.of(Configs.POOLS);
    try (ServedPools own = ServedPools.of(config);
        AdminServer its = own.serve();
        RedisEngine older = RedisEngine.start(Configs.replica(config, own.redisUrl(), "r-0"))) {
      config.enabledProviders().stream().map(Plans::of).forEach(older::pool);
      browser.looks(1180, 980, "light");
      browser.open(its.port());
      String title = "Fleet of 1 of 2 replicas, by their heartbeats";
      browser.awaitText("#replicas-title", title::equals);
      browser.awaitText("#replicas", rows -> rows.contains("r-0 – – – – – – –"));
      browser.awaitText("#replicas", rows -> rows.contains("(this page's) "));
      try (RedisEngine other = RedisEngine.start(Configs.replica(config, own.redisUrl(), "r-2"))) {
        other.introduce(() -> line("pod-2", 4));
        config.enabledProviders().stream().map(Plans::of).forEach(other::pool);
        browser.awaitText("#replicas tbody tr:nth-child(1)", row -> row.startsWith("pod-2 1.0 "));
        String figures = browser.text("#replicas tbody tr:nth-child(1)");
        assertTrue(figures.endsWith(" fair share 10 4 0 4"), figures);
        browser.awaitText(
            "#fleet-tiles", tiles -> tiles.contains("refused by Relay a second 4 (40 %)"));
        browser.awaitText(
            "#problems",
            words -> words.contains("other replicas refuse 4 requests a second (40 %)"));
        assertTrue(
            browser.text("#problems").startsWith("1 other replica is not in mode shared: pod-2"));
        assertEquals(2, browser.count("#fleet-plots canvas"));
        browser.screenshot("fleet");
      }
      browser.awaitText("#replicas", rows -> !rows.contains("pod-2")); // it left
      browser.awaitText("#verdict", words -> words.startsWith("Healthy: 2 pools"));
    }
  }

  @Test
  void no_window_scrolls_sideways_and_dark_is_dark() throws Exception {
    reserve(1);
    List<String> papers = List.of(look("light", 1180), look("dark", 1180), look("narrow", 360));
    assertNotEquals(papers.get(0), papers.get(1));
    assertEquals(papers.get(0), papers.get(2));
  }

  /** The colour of the page's background. */
  private String look(String name, int width) throws Exception {
    browser.looks(width, 980, name.equals("dark") ? "dark" : "light");
    browser.open(server.port());
    browser.awaitText(GROUP, row -> row.startsWith("acme/default"));
    Await.until("plots", () -> browser.count("#pool-plots canvas") == 4);
    assertEquals(0, browser.number("return document.documentElement.scrollWidth - innerWidth"));
    assertEquals(
        0,
        browser.number(
            "return document.getElementById('keys').scrollWidth"
                + " - document.getElementById('keys').clientWidth"));
    browser.screenshot(name);
    browser.run("document.getElementById('find-group').scrollIntoView()");
    browser.screenshot(name + "-keys");
    return String.valueOf(browser.run("return getComputedStyle(document.body).backgroundColor"));
  }
}
