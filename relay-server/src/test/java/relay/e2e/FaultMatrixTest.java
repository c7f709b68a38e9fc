package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.e2e.FaultTable.Cell;
import relay.e2e.FaultTable.Row;
import relay.embedded.EmbeddedRedis;

/**
 * Every provider fault x dialect x JSON or stream x protocol: the client's answer, the charge and
 * the keys' states. The table in {@code relay-benchmarks/FAULTS.md} must match the measured
 * results; {@code -Dfaults.write=true} rewrites it.
 */
@Tag("slow")
class FaultMatrixTest {
  private static final Path DOCUMENT = Path.of("..", "relay-benchmarks", "FAULTS.md");
  private static final Path PRINTED = Path.of("target", "faults.md");

  /**
   * The test measures a differing row up to this many times more, without the others that agree. A
   * machine that stands still for seconds ends a timeout or the breaker's window of 10 s before the
   * test reads a cell; a fault of Relay differs each time.
   */
  private static final int AGAIN = 2;

  private static final boolean WRITE = Boolean.getBoolean("faults.write");

  @Test
  @Timeout(value = 20, unit = TimeUnit.MINUTES) // a wrong cell is looked at for a minute
  void the_documented_table_matches_every_fault() throws Exception {
    List<Exception> failures = new ArrayList<>();
    Map<Cell, String> documented = WRITE ? Map.of() : FaultTable.read(DOCUMENT);
    Map<Cell, String> measured = measured(FaultTable.rows(), documented, failures);
    for (int again = 0; !WRITE && again < AGAIN; again++) {
      List<Row> other = others(documented, measured);
      other.forEach(row -> System.out.println("measured again: " + row));
      if (!other.isEmpty()) {
        failures.clear();
        measured.putAll(measured(other, documented, failures));
      }
    }
    String page = FaultTable.page(measured);
    Files.createDirectories(PRINTED.getParent());
    Files.writeString(PRINTED, page);
    if (WRITE) {
      Files.writeString(DOCUMENT, page);
    }
    assertEquals(List.of(), failures);
    List<String> lines = Files.readAllLines(DOCUMENT);
    List<String> stale = page.lines().filter(line -> !lines.contains(line)).toList();
    assertEquals(List.of(), stale, "lines that FAULTS.md lacks: see " + PRINTED);
    assertEquals(page, Files.readString(DOCUMENT), "FAULTS.md is stale: see " + PRINTED);
    assertTrue(page.indexOf('?') < 0, "unknown cell");
  }

  private static List<Row> others(Map<Cell, String> documented, Map<Cell, String> measured) {
    return measured.entrySet().stream()
        .filter(entry -> !entry.getValue().equals(documented.get(entry.getKey())))
        .map(entry -> entry.getKey().row())
        .distinct()
        .toList();
  }

  /** The columns together: most of their time they wait. */
  private static Map<Cell, String> measured(
      List<Row> rows, Map<Cell, String> documented, List<Exception> failures) throws Exception {
    Map<Cell, String> measured = new HashMap<>();
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        ExecutorService together = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Map<Cell, String>>> columns = new ArrayList<>();
      for (ProviderWire wire : ProviderWire.values()) {
        if (rows.stream().anyMatch(row -> row.fault().existsOn(wire))) {
          columns.add(together.submit(() -> measured(wire, rows, redis, documented)));
        }
      }
      for (Future<Map<Cell, String>> column : columns) {
        try {
          measured.putAll(column.get());
        } catch (ExecutionException e) { // the page shows the other columns
          failures.add(e);
        }
      }
    }
    return measured;
  }

  private static Map<Cell, String> measured(
      ProviderWire wire, List<Row> rows, EmbeddedRedis redis, Map<Cell, String> documented)
      throws Exception {
    try (FaultColumn column = new FaultColumn(wire, rows, redis)) {
      return column.measure(documented);
    }
  }
}
