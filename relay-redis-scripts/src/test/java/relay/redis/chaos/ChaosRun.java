package relay.redis.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
 * Writes the chaos table, {@code relay-benchmarks/CHAOS.md}. Not part of the build, because it
 * takes some twenty minutes:
 *
 * <pre>relay-benchmarks/run chaos [--only PATTERN]</pre>
 *
 * <p>A run of some rows keeps the others.
 */
final class ChaosRun {
  private static final int AT_ONCE = Integer.getInteger("relay.chaos.at_once", 2);
  private static final Duration TIMEOUT = Duration.ofMillis(100); // Relay's default
  private static final Path PAGE = Path.of("..", "relay-benchmarks", "CHAOS.md");

  private final Map<ChaosCase, ChaosCase.Outcome> found = new ConcurrentHashMap<>();
  private final Queue<String> broken = new ConcurrentLinkedQueue<>();

  @Test
  void every_fault_in_every_mode_on_every_topology() throws Exception {
    Pattern only = Pattern.compile(System.getProperty("relay.chaos", ""));
    List<ChaosCase> cases =
        ChaosCase.all().stream().filter(one -> only.matcher(name(one)).find()).toList();
    try (ExecutorService some = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<?>> runs = new ArrayList<>();
      cases.stream()
          .filter(one -> !one.fault().isAlone())
          .forEach(one -> runs.add(some.submit(() -> run(one))));
      for (Future<?> run : runs) {
        var _ = run.get();
      }
    }
    cases.stream().filter(one -> one.fault().isAlone()).forEach(this::run);
    write();
    assertEquals(List.of(), List.copyOf(broken));
  }

  private static String name(ChaosCase one) {
    return (one.fault() + " " + one.topology() + " " + one.fallback()).toLowerCase(Locale.ROOT);
  }

  private void run(ChaosCase one) {
    try {
      ChaosCase.Outcome outcome = one.run(TIMEOUT);
      found.put(one, outcome);
      System.out.print(one.row(outcome));
    } catch (RuntimeException | AssertionError e) { // the servers could not be started
      System.out.println(name(one) + ": " + e);
      broken.add(name(one) + ": " + e);
    }
  }

  private void write() throws IOException {
    String page = Files.readString(PAGE);
    String begin = "<!-- written by relay-benchmarks/run chaos -->\n";
    StringBuilder text = new StringBuilder(page.substring(0, page.indexOf(begin)));
    text.append(begin)
        .append(
            "| fault | Redis | mode | failed | p99, + ms | 429s | used, % | over | exact, s |\n")
        .append("|---|---|---|--:|--:|--:|--:|--:|--:|\n");
    for (ChaosCase one : ChaosCase.all()) {
      ChaosCase.Outcome outcome = found.get(one);
      if (outcome != null) {
        text.append(one.row(outcome));
      } else {
        page.lines()
            .filter(row -> row.startsWith(one.title()))
            .forEach(row -> text.append(row).append('\n'));
      }
    }
    Files.writeString(PAGE, text);
  }
}
