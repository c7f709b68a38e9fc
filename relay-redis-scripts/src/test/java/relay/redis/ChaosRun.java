package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Writes the chaos table, {@code docs/chaos.md}. Not part of the build, because it takes some ten
 * minutes:
 *
 * <pre>relay-benchmarks/run chaos [--only PATTERN]</pre>
 *
 * <p>A run of some rows prints them and leaves the page alone.
 */
final class ChaosRun {
  private static final int AT_ONCE = 5;
  private static final Duration TIMEOUT = Duration.ofMillis(100); // Relay's default
  private static final Path PAGE = Path.of("..", "docs", "chaos.md");

  @Test
  void every_fault_in_every_mode_on_every_topology() throws Exception {
    String only = System.getProperty("relay.chaos", "");
    List<ChaosCase> cases =
        ChaosCase.all().stream()
            .filter(c -> Pattern.compile(only).matcher(name(c)).find())
            .toList();
    Map<ChaosCase, ChaosCase.Outcome> found = new ConcurrentHashMap<>();
    Queue<String> broken = new ConcurrentLinkedQueue<>();
    try (ExecutorService some = Executors.newFixedThreadPool(AT_ONCE)) {
      List<? extends Future<?>> runs =
          cases.stream()
              .filter(c -> !c.fault().isAlone())
              .map(c -> some.submit(() -> run(c, found, broken)))
              .toList();
      for (Future<?> run : runs) {
        var _ = run.get();
      }
    }
    cases.stream().filter(c -> c.fault().isAlone()).forEach(c -> run(c, found, broken));
    if (only.isEmpty()) {
      write(cases, found);
    }
    assertEquals(List.of(), List.copyOf(broken));
  }

  private static String name(ChaosCase one) {
    return (one.fault() + " " + one.topology() + " " + one.fallback()).toLowerCase(Locale.ROOT);
  }

  private static void run(
      ChaosCase one, Map<ChaosCase, ChaosCase.Outcome> found, Queue<String> broken) {
    try {
      ChaosCase.Outcome outcome = one.run(TIMEOUT);
      found.put(one, outcome);
      System.out.print(outcome.row(one));
    } catch (RuntimeException | AssertionError e) { // the servers could not be started
      System.out.println(name(one) + ": " + e);
      broken.add(name(one) + ": " + e);
    }
  }

  private static void write(List<ChaosCase> cases, Map<ChaosCase, ChaosCase.Outcome> found)
      throws IOException {
    String page = Files.readString(PAGE);
    String begin = "<!-- the table: written by relay-benchmarks/run chaos -->\n";
    StringBuilder text = new StringBuilder(page.substring(0, page.indexOf(begin)));
    text.append(begin)
        .append(
            "| fault | Redis | mode | failed | p99, + ms | 429s | used, % | over | exact, s |\n")
        .append("|---|---|---|--:|--:|--:|--:|--:|--:|\n");
    for (ChaosCase one : cases) {
      ChaosCase.Outcome outcome = found.get(one);
      text.append(outcome == null ? "" : outcome.row(one));
    }
    Files.writeString(PAGE, text);
  }
}
