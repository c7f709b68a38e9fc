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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import relay.e2e.ProviderFault.Form;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Every provider fault x dialect x JSON or stream x protocol: the client's answer, the charge and
 * the keys' states. The table in {@code docs/faults.md} must match the measured results; {@code
 * -Dfaults.write=true} rewrites it.
 */
class FaultMatrixTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "faults.md");
  private static final Path PRINTED = Path.of("target", "faults.md");
  private static final int KEYS = 3;
  private static final int AT_ONCE = 12;
  private static final int PLAIN_COLUMN = 5;
  private static final String SAME = "same";
  private static final String NO_FAULT = "-";

  private static final String INTRODUCTION =
      """
      # Faults of a provider

      Written by `FaultMatrixTest` (`-Dfaults.write=true`), which fails if a cell is wrong. Each cell is one request to a pool of
      three keys, each on its own account, with `max_attempts: 3`, at a provider of the column's protocol. [errors.md](errors.md) explains the rules.

      - **always**: the provider fails on every attempt. **once**: only the first attempt fails; the next gets a good answer (of a second provider if
        the first gives no connection).
      - **What the client gets**: the status, the error's type and its origin. `aborted` is a broken connection, so the answer never looks
        complete. `+ event` is an SSE error event after the partial answer, with its origin.
      - **attempts**, over all providers.
      - **charged**: requests, input and output tokens, over all attempts. `used` is the provider's count, `est.` the
        reservation (with or without a count).
      - **The keys**, and the failures that count for the provider's **breaker**.
      - **same**: as over HTTP/1.1 without TLS. **-**: the protocol has no such fault. Without TLS there is no handshake; without HTTP/2 there are no streams.

      | fault | dialect | form | when | HTTP/1.1 | TLS, HTTP/1.1 | TLS, HTTP/2 |
      |---|---|---|---|---|---|---|
      """;

  /** A row of the table. */
  record Row(ProviderFault fault, Form form, boolean always) {
    String head() {
      return "| %s | %s | %s | %s |"
          .formatted(
              fault.label(),
              form.dialect().name().toLowerCase(Locale.ROOT),
              form.stream() ? "SSE" : "JSON",
              always ? "always" : "once");
    }
  }

  /** A cell of the table. */
  record Cell(Row row, ProviderWire wire) {
    ProviderFault fault() {
      return row.fault();
    }

    Form form() {
      return row.form();
    }

    boolean always() {
      return row.always();
    }

    /** Whether a second provider answers what the first does not get. */
    boolean hasSecond() {
      return fault().isOfConnection() && !always();
    }

    String pool() {
      return "%s-%s-%s-%s-%s"
          .formatted(
              wire.name().toLowerCase(Locale.ROOT).replace('_', '-'),
              fault().name().toLowerCase(Locale.ROOT).replace('_', '-'),
              form().dialect().name().toLowerCase(Locale.ROOT),
              form().stream() ? "sse" : "json",
              always() ? "always" : "once");
    }
  }

  /** A cell's providers, each of its own, so that a broken connection does not affect others. */
  private record Served(Cell cell, String url, List<RawProvider> providers) {
    static Served of(Cell cell) throws IOException {
      AtomicInteger asked = new AtomicInteger();
      RawProvider.Script script =
          (request, connection) -> {
            if (cell.always() || (asked.getAndIncrement() == 0 && !cell.hasSecond())) {
              cell.fault().answer(cell.form(), connection);
            } else {
              cell.form().fine(connection);
            }
          };
      RawProvider first = cell.fault().provider(cell.wire(), script);
      List<RawProvider> providers = new ArrayList<>(List.of(first));
      if (cell.hasSecond()) {
        providers.add(new RawProvider(cell.wire(), script));
      }
      String url =
          switch (cell.fault()) {
            case REFUSE -> cell.wire().url(LoopbackPorts.free());
            // A server without TLS waits for the end of a line.
            case HANDSHAKE_STALLS -> cell.wire().url(silent(providers).port());
            default -> first.url();
          };
      return new Served(cell, url, providers);
    }

    private static RawProvider silent(List<RawProvider> providers) throws IOException {
      RawProvider silent = new RawProvider((_, _) -> {});
      providers.add(silent);
      return silent;
    }
  }

  private static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (ProviderFault fault : ProviderFault.values()) {
      for (Form form : Form.all()) {
        rows.add(new Row(fault, form, true));
        rows.add(new Row(fault, form, false));
      }
    }
    return rows;
  }

  private static List<Cell> cells(ProviderWire wire) {
    return rows().stream()
        .filter(row -> row.fault().existsOn(wire))
        .map(row -> new Cell(row, wire))
        .toList();
  }

  @Test
  void the_documented_table_matches_every_fault() throws Exception {
    boolean write = Boolean.getBoolean("faults.write");
    Map<Cell, String> documented = write ? Map.of() : documented();
    Map<Cell, String> measured = new HashMap<>();
    for (ProviderWire wire : ProviderWire.values()) { // one by one: each has 200 pools
      measured.putAll(measured(cells(wire), documented));
    }
    StringBuilder table = new StringBuilder(INTRODUCTION);
    rows().forEach(row -> table.append(line(row, measured)).append('\n'));
    Files.createDirectories(PRINTED.getParent());
    Files.writeString(PRINTED, table);
    if (write) {
      Files.writeString(DOCUMENT, table);
    }
    assertEquals(
        table.toString(), Files.readString(DOCUMENT), "docs/faults.md is stale: see " + PRINTED);
    assertTrue(measured.values().stream().noneMatch(cell -> cell.contains("?")), "unknown cell");
  }

  private static Map<Cell, String> measured(List<Cell> cells, Map<Cell, String> documented)
      throws Exception {
    List<Served> served = new ArrayList<>();
    for (Cell cell : cells) {
      served.add(Served.of(cell));
    }
    Map<Cell, String> measured = new HashMap<>();
    try (Replicas replicas = setup(served).start(1);
        ExecutorService asking =
            Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      Map<Cell, Future<String>> results = new LinkedHashMap<>();
      for (Cell cell : cells) {
        String known = documented.getOrDefault(cell, "");
        results.put(cell, asking.submit(() -> measure(replicas, cell, known)));
      }
      for (Map.Entry<Cell, Future<String>> result : results.entrySet()) {
        measured.put(result.getKey(), result.getValue().get());
      }
    } finally {
      for (Served each : served) {
        for (RawProvider provider : each.providers()) {
          provider.close();
        }
      }
    }
    return measured;
  }

  private static String line(Row row, Map<Cell, String> measured) {
    StringBuilder line = new StringBuilder(row.head());
    String plain = measured.get(new Cell(row, ProviderWire.PLAIN));
    for (ProviderWire wire : ProviderWire.values()) {
      String cell = measured.getOrDefault(new Cell(row, wire), NO_FAULT);
      line.append(' ').append(wire.isTls() && cell.equals(plain) ? SAME : cell).append(" |");
    }
    return line.toString();
  }

  /** What the page says of each cell. */
  private static Map<Cell, String> documented() throws IOException {
    Map<String, String> lines = new TreeMap<>();
    for (String line : Files.readAllLines(DOCUMENT)) {
      String[] parts = line.split("\\|", -1);
      if (parts.length > 7) {
        lines.put("|%s|%s|%s|%s|".formatted(parts[1], parts[2], parts[3], parts[4]), line);
      }
    }
    Map<Cell, String> cells = new HashMap<>();
    for (Row row : rows()) {
      String[] parts = lines.getOrDefault(row.head(), "|||||||").split("\\|", -1);
      int column = PLAIN_COLUMN;
      for (ProviderWire wire : ProviderWire.values()) {
        String cell = parts[column++].strip();
        cells.put(new Cell(row, wire), cell.equals(SAME) ? parts[PLAIN_COLUMN].strip() : cell);
      }
    }
    return cells;
  }

  private static Setup setup(List<Served> served) {
    Setup setup =
        new Setup()
            .server("idle_timeout_ms: 5000")
            .server("connect_timeout_ms: 1000")
            .jvm("-Drelay.probe_ms=3600000");
    for (Served each : served) {
      Cell cell = each.cell();
      Dialect dialect = cell.form().dialect();
      List<String> settings = cell.wire().settings();
      setup.provider(cell.pool(), dialect, each.url(), settings, keys(cell.pool()));
      if (cell.hasSecond()) {
        List<String> second = new ArrayList<>(settings);
        second.add("models: [" + cell.pool() + "]");
        String name = cell.pool() + "-2";
        setup.provider(name, dialect, each.providers().get(1).url(), second, keys(name));
      }
    }
    return setup;
  }

  private static List<String> keys(String pool) {
    return IntStream.range(0, KEYS).mapToObj(n -> Setup.key(pool + "-k" + n)).toList();
  }

  /**
   * Sends a request and observes until the result matches the documented cell or a timeout passes.
   */
  private static String measure(Replicas replicas, Cell cell, String documented) throws Exception {
    Ask ask =
        cell.form().stream()
            ? Ask.stream(cell.form().dialect(), cell.pool())
            : Ask.of(cell.form().dialect(), cell.pool());
    Answer answer;
    try {
      answer = RawClient.ask(replicas.port(0), ask);
    } catch (IOException e) {
      throw new IOException(cell.toString(), e);
    }
    String said = "%s. %s;".formatted(gets(answer, cell), attempts(answer));
    String[] seen = {""};
    try {
      Await.until(
          "the documented cell",
          Duration.ofSeconds(documented.isEmpty() ? 2 : 10),
          () -> {
            seen[0] = said + after(replicas, cell);
            return seen[0].equals(documented);
          });
    } catch (AssertionError e) {
      if (!documented.isEmpty()) {
        System.out.println(cell + "\ndocumented: " + documented + "\n      seen: " + seen[0]);
      }
    }
    return seen[0];
  }

  private static String attempts(Answer answer) {
    String attempts = answer.header("x-relay-attempts");
    return "1".equals(attempts) ? "1 attempt" : attempts + " attempts";
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
        cell.hasSecond() ? List.of(cell.pool(), cell.pool() + "-2") : List.of(cell.pool());
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
    return " charged %d, %s, %s; %s; breaker %d"
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
