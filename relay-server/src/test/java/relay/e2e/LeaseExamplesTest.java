package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.guards.Await;
import relay.leaseclient.Programs;
import relay.model.Dialect;

/** The programs in deploy/leases/examples, run against a replica and a provider. */
@Tag("slow")
class LeaseExamplesTest {
  private static final Path CLIENTS = Path.of("../deploy/leases").toAbsolutePath();
  private static final Path EXAMPLES = CLIENTS.resolve("examples");
  private static final Pattern LINE = Pattern.compile("line-(\\d+)");
  private static final int HELD = 11;
  private static final int REFUSED = 5;
  private static final int LINES = 30;

  @TempDir private Path folder;
  private final Set<Integer> asked = ConcurrentHashMap.newKeySet();
  private final List<Integer> served = Collections.synchronizedList(new ArrayList<>());
  private volatile boolean isHolding = true;

  private static int line(RawProvider.Received request) {
    Matcher line = LINE.matcher(request.text());
    assertTrue(line.find(), request::text);
    return Integer.parseInt(line.group(1));
  }

  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    int line = line(request);
    if (asked.add(line) && line == REFUSED) {
      connection.write(Says.json(429, "{}", "retry-after: 1"));
      return;
    }
    served.add(line);
    if (isHolding && line == HELD) {
      isHolding = false;
      connection.awaitClosed();
      return;
    }
    connection.write(Says.json(200, Says.answer(Dialect.ANTHROPIC), "connection: close"));
    connection.close();
  }

  private Process batch(Replicas replicas, RawProvider provider, String... more)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of("env", "RELAY_API_KEY=" + Setup.clientKey("worker"), "python3", "-B"));
    command.addAll(List.of(EXAMPLES.resolve("batch.py").toString(), "requests.jsonl"));
    command.addAll(List.of("answers.jsonl", "--secrets", "keys.json", "--workers", "4"));
    command.addAll(List.of("--bulk", "3", "--provider", provider.url()));
    command.addAll(List.of("--relay", "http://127.0.0.1:" + replicas.port(0)));
    command.addAll(List.of(more));
    return Programs.started(folder, command.toArray(String[]::new));
  }

  private String printed() throws IOException {
    return Files.readString(folder.resolve("out.txt"))
        + Files.readString(folder.resolve("err.txt"));
  }

  private List<Integer> answered() throws IOException {
    List<Integer> lines = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve("answers.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line).get("line").asInt());
    }
    return lines;
  }

  @Test
  void a_killed_batch_sends_no_line_twice() throws Exception {
    List<Integer> all = IntStream.rangeClosed(1, LINES).boxed().toList();
    Files.write(
        folder.resolve("requests.jsonl"),
        all.stream()
            .map("{\"model\": \"m\", \"max_tokens\": 100, \"messages\": [\"line-%d\"]}"::formatted)
            .toList());
    Files.writeString(folder.resolve("keys.json"), "{\"k\": \"secret\"}");
    try (RawProvider provider = new RawProvider(this::answer);
        Replicas replicas =
            new Setup()
                .client("worker", "leases: true")
                .provider("m", Dialect.ANTHROPIC, provider, Setup.key("k", "rpm_limit: 1000"))
                .start(1)) {
      Process killed = batch(replicas, provider);
      Await.until("a request waits for its answer", () -> served.contains(HELD));
      killed.destroyForcibly().waitFor();

      assertEquals(1, Programs.ended(batch(replicas, provider)), this::text);
      List<Integer> once = List.copyOf(served);
      assertEquals(Set.copyOf(once).size(), once.size(), () -> "a line twice: " + once);
      Set<Integer> missing = new TreeSet<>(all);
      missing.removeAll(answered());
      assertTrue(missing.contains(HELD), missing::toString);
      assertTrue(printed().contains("left 0, in doubt " + missing), this::text);

      assertEquals(0, Programs.ended(batch(replicas, provider, "--again")), this::text);
      assertEquals(all, answered().stream().sorted().toList());
      List<Integer> certain = new ArrayList<>(List.copyOf(served));
      certain.removeAll(missing);
      assertEquals(LINES - missing.size(), certain.size(), "only those in doubt went again");
    }
  }

  @Test
  void a_limiter_of_langchain_tells_relay_what_was_used() throws Exception {
    Path driver = Path.of("src/test/resources/relay/leaseclient/langchain_driver.py");
    for (Path source :
        List.of(
            driver, EXAMPLES.resolve("langchain_limiter.py"), CLIENTS.resolve("relay_leases.py"))) {
      Files.copy(source, folder.resolve(source.toFile().getName()));
    }
    String key = Setup.key("chat", "rpm_limit: 10, itpm_limit: 100000, otpm_limit: 10000");
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas =
            new Setup()
                .client("worker", "leases: true")
                .provider("chat", Dialect.ANTHROPIC, provider, key)
                .start(1)) {
      String relay = "http://127.0.0.1:" + replicas.port(0);
      String worker = Setup.clientKey("worker");
      assertEquals(
          "True True\nTrue\nFalse\n429\naway\n",
          Programs.done(folder, "python3", "langchain_driver.py", relay, worker));
      replicas.awaitLine(
          "chat", "chat/default", "rpm 3/10 itpm 2200/100000 otpm 250/10000 inflight 0");
      String written =
          "relay_tokens_total{key=\"chat\",model=\"chat\",pool=\"chat\",type=\"cache_creation\"}";
      assertEquals(400, replicas.metric(0, written));
    }
  }

  private String text() {
    try {
      return printed();
    } catch (IOException e) {
      return e.toString();
    }
  }
}
