package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import relay.e2e.ProviderFault.Form;
import relay.guards.Await;

/**
 * Every provider fault x dialect x JSON or stream: the client's answer, the charge and the keys'
 * states. The table in {@code docs/faults.md} must match the measured results; {@code
 * -Dfaults.write=true} rewrites it.
 */
class FaultMatrixTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "faults.md");
  private static final Path PRINTED = Path.of("target", "faults.md");
  private static final int KEYS = 3;
  private static final int AT_ONCE = 8;

  private static final String INTRODUCTION =
      """
      # Faults of a provider

      Written by `FaultMatrixTest` (`-Dfaults.write=true`), which fails if a line is wrong. Each line is one request to a pool of
      three keys, each on its own account, with `max_attempts: 3`. [errors.md](errors.md) explains the rules.

      - **always**: the provider fails on every attempt. **once**: only the first attempt fails; the next gets a good answer (of a second provider if
        the first refuses connections).
      - **client gets**: the status, the error's type and its origin. `aborted` is a broken connection, so the answer never looks
        complete. `+ event` is an SSE error event after the partial answer, with its origin.
      - **charged**: requests, input and output tokens, over all attempts. `used` is the provider's count, `est.` the
        reservation (with or without a count).
      - **breaker**: failures that count for the provider's breaker.

      | fault | dialect | form | when | client gets | attempts | charged | keys | breaker |
      |---|---|---|---|---|---:|---|---|---:|
      """;

  /** A row of the table. */
  record Cell(ProviderFault fault, Form form, boolean always) {
    String pool() {
      return "%s-%s-%s-%s"
          .formatted(
              fault.name().toLowerCase(Locale.ROOT).replace('_', '-'),
              form.dialect().name().toLowerCase(Locale.ROOT),
              form.stream() ? "sse" : "json",
              always ? "always" : "once");
    }

    String head() {
      return "| %s | %s | %s | %s |"
          .formatted(
              fault.label(),
              form.dialect().name().toLowerCase(Locale.ROOT),
              form.stream() ? "SSE" : "JSON",
              always ? "always" : "once");
    }
  }

  private static List<Cell> all() {
    List<Cell> all = new ArrayList<>();
    for (ProviderFault fault : ProviderFault.values()) {
      for (Form form : Form.all()) {
        all.add(new Cell(fault, form, true));
        all.add(new Cell(fault, form, false));
      }
    }
    return all;
  }

  /** A separate provider per cell, so that a broken connection does not affect other cells. */
  private static RawProvider provider(Cell cell) throws IOException {
    AtomicInteger asked = new AtomicInteger();
    return new RawProvider(
        (request, connection) -> {
          if (cell.always()
              || (asked.getAndIncrement() == 0 && cell.fault() != ProviderFault.REFUSE)) {
            cell.fault().answer(cell.form(), connection);
          } else {
            cell.form().fine(connection);
          }
        });
  }

  @Test
  void the_documented_table_matches_every_fault() throws Exception {
    boolean write = Boolean.getBoolean("faults.write");
    Map<String, String> documented = write ? Map.of() : documented();
    List<String> lines = new ArrayList<>();
    List<RawProvider> providers = new ArrayList<>();
    for (Cell cell : all()) {
      providers.add(provider(cell));
    }
    try (Replicas replicas = setup(providers).start(1);
        ExecutorService asking =
            Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      List<Future<String>> rows = new ArrayList<>();
      for (Cell cell : all()) {
        rows.add(
            asking.submit(
                () -> {
                  try {
                    return row(replicas, cell, documented.getOrDefault(cell.head(), ""));
                  } catch (IOException e) {
                    throw new IOException(cell.head(), e);
                  }
                }));
      }
      for (Future<String> row : rows) {
        lines.add(row.get());
      }
    } finally {
      for (RawProvider provider : providers) {
        provider.close();
      }
    }
    String table = INTRODUCTION + String.join("\n", lines) + "\n";
    System.out.print(table);
    Files.createDirectories(PRINTED.getParent());
    Files.writeString(PRINTED, table);
    if (write) {
      Files.createDirectories(DOCUMENT.getParent());
      Files.writeString(DOCUMENT, table);
    }
    assertEquals(table, Files.readString(DOCUMENT), "docs/faults.md is stale: see " + PRINTED);
    assertEquals(ProviderFault.values().length * Form.all().size() * 2, lines.size());
    assertTrue(lines.stream().noneMatch(line -> line.contains("?")), "a cell is unknown");
  }

  private static Map<String, String> documented() throws IOException {
    Map<String, String> rows = new TreeMap<>();
    for (String line : Files.readAllLines(DOCUMENT)) {
      String[] cells = line.split("\\|", -1);
      if (cells.length > 5) {
        rows.put("|%s|%s|%s|%s|".formatted(cells[1], cells[2], cells[3], cells[4]), line);
      }
    }
    return rows;
  }

  private static Setup setup(List<RawProvider> providers) throws IOException {
    Setup setup = new Setup().server("idle_timeout_ms: 3000").jvm("-Drelay.probe_ms=3600000");
    List<Cell> cells = all();
    for (Cell cell : cells) {
      String url = providers.get(cells.indexOf(cell)).url();
      boolean refuses = cell.fault() == ProviderFault.REFUSE;
      setup.provider(
          cell.pool(), cell.form().dialect(), refuses ? Setup.nowhere() : url, keys(cell.pool()));
      if (refuses && !cell.always()) {
        setup.provider(
            cell.pool() + "-2",
            cell.form().dialect(),
            url,
            List.of("models: [" + cell.pool() + "]"),
            List.of(keys(cell.pool() + "-2")));
      }
    }
    return setup;
  }

  private static String[] keys(String pool) {
    String[] keys = new String[KEYS];
    for (int n = 0; n < KEYS; n++) {
      keys[n] = Setup.key(pool + "-k" + n);
    }
    return keys;
  }

  /**
   * Sends a request and observes until the result matches the documented row or a timeout passes.
   */
  private static String row(Replicas replicas, Cell cell, String documented) throws Exception {
    Ask ask =
        cell.form().stream()
            ? Ask.stream(cell.form().dialect(), cell.pool())
            : Ask.of(cell.form().dialect(), cell.pool());
    Answer answer = RawClient.ask(replicas.port(0), ask);
    String said = "%s %s | %d |".formatted(cell.head(), gets(answer, cell), attempts(answer));
    String[] seen = {""};
    try {
      Await.until(
          "the documented row",
          Duration.ofSeconds(documented.isEmpty() ? 2 : 10),
          () -> {
            seen[0] = said + after(replicas, cell);
            return seen[0].equals(documented);
          });
    } catch (AssertionError e) {
      if (!documented.isEmpty()) {
        System.out.println("documented: " + documented + "\n      seen: " + seen[0]);
      }
    }
    return seen[0];
  }

  private static int attempts(Answer answer) {
    String attempts = answer.header("x-relay-attempts");
    return attempts == null ? -1 : Integer.parseInt(attempts);
  }

  private static String gets(Answer answer, Cell cell) throws IOException {
    StringBuilder says = new StringBuilder().append(answer.status());
    String origin = answer.header("x-relay-error-origin");
    if (origin != null) {
      says.append(' ').append(answer.json().at("/error/type").asText()).append(", ");
      says.append(origin.equals("relay") ? "Relay's" : "the provider's");
      String retry = answer.header("retry-after");
      if (retry != null) {
        int seconds = Integer.parseInt(retry);
        says.append(", retry-after ").append(seconds > 20 && seconds <= 30 ? "≤ 30" : retry);
      }
    }
    for (String event : answer.text().split("\n\n", -1)) {
      int data = event.indexOf("data: {");
      if (cell.form().stream() && data >= 0 && event.contains("\"error\"")) {
        JsonNode error = new ObjectMapper().readTree(event.substring(data + 6)).get("error");
        says.append(" + event ").append(error.get("type").asText());
        says.append(
            error.get("message").asText().equals("as the provider says")
                ? ", the provider's"
                : ", Relay's");
      }
    }
    return says.append(answer.whole() ? "" : ", aborted").toString();
  }

  /** The charge and the keys' states, over all pools of the cell. */
  private static String after(Replicas replicas, Cell cell) throws Exception {
    long requests = 0;
    long input = 0;
    long output = 0;
    Map<String, Integer> states = new TreeMap<>();
    long failures = 0;
    List<String> pools =
        cell.fault() == ProviderFault.REFUSE && !cell.always()
            ? List.of(cell.pool(), cell.pool() + "-2")
            : List.of(cell.pool());
    for (String pool : pools) {
      JsonNode state = replicas.admin(0, "/pools/" + pool).json();
      Map<String, String> accounts = new TreeMap<>();
      for (JsonNode group : state.get("groups")) {
        requests += group.at("/used/rpm").asLong();
        input += group.at("/used/itpm").asLong();
        output += group.at("/used/otpm").asLong();
        boolean cooling = group.get("cooldown_ms").asLong() > 0;
        accounts.put(group.get("account").asText(), cooling ? "cooling" : "active");
      }
      for (JsonNode key : state.get("keys")) {
        String status = key.get("status").asText();
        String account = accounts.get(key.get("account").asText());
        states.merge(status.equals("active") ? account : status, 1, Integer::sum);
      }
      try (RedisSocket redis = replicas.redisSocket()) {
        String counted = redis.hash("relay:{" + pool + "}:breaker").get("failures");
        failures += counted == null ? 0 : Long.parseLong(counted);
      }
    }
    List<String> keys = new ArrayList<>();
    states.forEach((state, count) -> keys.add(count + " " + state));
    return " %d, %s, %s | %s | %d |"
        .formatted(
            requests,
            tokens(input, Form.INPUT),
            tokens(output, Form.OUTPUT),
            String.join(", ", keys),
            failures);
  }

  private static String tokens(long charged, long used) {
    return charged == 0 ? "0" : charged == used ? "used" : "est.";
  }
}
