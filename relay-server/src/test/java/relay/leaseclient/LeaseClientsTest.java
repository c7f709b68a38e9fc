package relay.leaseclient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The clients in deploy/leases, run by python3, go, java and node against a server that fails on
 * purpose.
 */
@Tag("slow")
class LeaseClientsTest {
  private static final Path CLIENTS = Path.of("../deploy/leases");
  private static final Path DRIVERS = Path.of("src/test/resources/relay/leaseclient");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, String> PRINTED = new HashMap<>();

  @TempDir private static Path folder;
  private static FakeLeases server;

  @BeforeAll
  static void run() throws Exception {
    server = new FakeLeases();
    Path python = folder("python", "relay_leases.py", "driver.py");
    printed("python", python, "python3", "driver.py", server.url("python"));
    Path java = folder("java", "RelayLeases.java", "LeaseDriver.java");
    Programs.javac(java, ".", "RelayLeases.java", "LeaseDriver.java");
    printed("java", java, Programs.jdk("java"), "-cp", ".", "LeaseDriver", server.url("java"));
    Path go = folder("go", "driver.go");
    Files.writeString(go.resolve("go.mod"), "module driver\n\ngo 1.24\n");
    Files.createDirectory(go.resolve("relayleases"));
    Files.copy(CLIENTS.resolve("relayleases.go"), go.resolve("relayleases/relayleases.go"));
    Programs.done(go, "go", "vet", "./...");
    printed("go", go, "go", "run", ".", server.url("go"));
    Path typescript = folder("typescript", "relay-leases.ts", "driver.ts");
    Programs.tsc(typescript, "driver.ts");
    printed("typescript", typescript, "node", "driver.js", server.url("typescript"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Path folder(String name, String... files) throws IOException {
    Path made = Files.createDirectory(folder.resolve(name));
    for (String file : files) {
      Path client = CLIENTS.resolve(file);
      Files.copy(
          Files.exists(client) ? client : DRIVERS.resolve(file),
          made.resolve(Path.of(file).toFile().getName()));
    }
    return made;
  }

  private static void printed(String language, Path folder, String... command) throws Exception {
    for (String line : Programs.done(folder, command).split("\n", -1)) {
      PRINTED.put(language + "/" + line.split(" ", 2)[0], line);
    }
  }

  private static void calls(String scenario, String... calls) {
    assertEquals(
        List.of(calls),
        server.asked(scenario).stream().map(FakeLeases.Asked::call).toList(),
        PRINTED.get(scenario));
  }

  private static void body(String scenario, String call, String json) throws IOException {
    List<FakeLeases.Asked> asked = server.asked(scenario, call);
    assertEquals(JSON.readTree(json), asked.getLast().body(), scenario);
  }

  private static void refusal(String scenario, String used) throws IOException {
    ObjectNode told = (ObjectNode) server.asked(scenario, "refused").getLast().body();
    JsonNode rest = told.deepCopy().without(List.of("status", "headers", "body"));
    assertEquals(JSON.readTree(used), rest, scenario);
  }

  private static String usage(int input, int output, int read, int write, int requests) {
    return "{\"input_tokens\": %d, \"output_tokens\": %d, \"cache_read_tokens\": %d, \"cache_write_tokens\": %d, \"requests\": %d}"
        .formatted(input, output, read, write, requests);
  }

  /** Running it takes a server of Temporal, and 40 further libraries. */
  @Test
  void an_activity_of_temporal_compiles() throws Exception {
    Path java = folder("temporal", "RelayLeases.java", "examples/LeasedActivity.java");
    String sdk = Programs.jar("io/temporal/activity/Activity.class");
    Programs.javac(java, sdk, "RelayLeases.java", "LeasedActivity.java");
    assertTrue(Files.exists(java.resolve("LeasedActivity$Implementation.class")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void acquire_waits_as_told_and_asks_with_the_same_key(String language) {
    for (String scenario : List.of("waits", "seconds", "lost", "balancer")) {
      calls(language + "/" + scenario, "acquire", "acquire", "settle");
      List<FakeLeases.Asked> asked = server.asked(language + "/" + scenario, "acquire");
      assertEquals(asked.getFirst().body(), asked.getLast().body());
      JsonNode body = asked.getFirst().body();
      assertTrue(body.get("idempotency_key").asText().length() >= 20, body::toString);
      assertEquals("m \"\n\u00e9\ud83d\ude00", body.get("model").asText());
      assertEquals("Bearer secret", asked.getFirst().authorization());
      assertEquals(scenario + " ok acme-2", PRINTED.get(language + "/" + scenario));
    }
    List<FakeLeases.Asked> waits = server.asked(language + "/waits", "acquire");
    assertTrue(waits.getLast().nanos() - waits.getFirst().nanos() >= 40_000_000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void a_time_beyond_the_bound_and_a_hopeless_refusal_are_the_callers(String language) {
    for (String scenario : List.of("bound", "budget")) {
      calls(language + "/" + scenario, "acquire");
      assertTrue(PRINTED.get(language + "/" + scenario).contains("429"), PRINTED::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void a_lease_always_ends(String language) throws IOException {
    calls(language + "/sent", "acquire", "settle");
    body(language + "/sent", "settle", usage(1200, 5, 0, 0, 1));
    assertTrue(PRINTED.get(language + "/sent").contains("boom"), PRINTED::toString);
    calls(language + "/unsent", "acquire", "cancel");
    assertEquals("DELETE", server.asked(language + "/unsent", "cancel").getFirst().method());
    calls(language + "/unknown", "acquire", "settle");
    body(language + "/unknown", "settle", usage(1200, 300, 0, 0, 1));
    calls(language + "/unsettled", "acquire", "settle", "settle");
    body(language + "/bulk", "settle", usage(40, 60, 1, 2, 2));
    calls(language + "/refused", "acquire", "observed", "refused");
    JsonNode refused = server.asked(language + "/refused", "refused").getFirst().body();
    assertEquals("slow \"down\"", refused.get("body").asText());
    assertEquals(429, refused.get("status").asInt());
    String headers = refused.get("headers").toString().replaceAll("[\\[\\]]", ""); // go has lists
    assertTrue(headers.equalsIgnoreCase("{\"retry-after\":\"7\"}"), headers);
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void a_refusal_tells_what_was_used(String language) throws IOException {
    refusal(language + "/refused", usage(0, 0, 0, 0, 1));
    calls(language + "/partly", "acquire", "refused");
    refusal(language + "/partly", usage(310, 20, 1, 2, 3)); // one without an answer yet
    calls(language + "/made", "acquire", "refused");
    refusal(language + "/made", usage(1200, 7, 0, 0, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void more_requests_than_granted_are_told_as_all(String language) throws IOException {
    body(language + "/often", "settle", usage(1210, 320, 0, 0, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"python", "java", "go", "typescript"})
  void a_lease_is_renewed_until_it_is_gone(String language) throws IOException {
    body(language + "/renews", "progress", "{\"output_tokens\": 7}");
    body(language + "/renews", "settle", usage(1100, 9, 100, 50, 1));
    calls(language + "/gone", "acquire", "progress", "settle");
    assertTrue(server.asked(language + "/beside", "progress").size() >= 2);
  }
}
