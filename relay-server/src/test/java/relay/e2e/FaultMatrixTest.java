package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import relay.e2e.FaultTable.Cell;
import relay.e2e.FaultTable.Row;

/**
 * Every provider fault x dialect x JSON or stream x protocol: the client's answer, the charge and
 * the keys' states. The table in {@code docs/faults.md} must match the measured results; {@code
 * -Dfaults.write=true} rewrites it.
 *
 * <p>No cell depends on the machine's speed: the idle timeout is long until only the stalled
 * requests are left.
 */
class FaultMatrixTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "faults.md");
  private static final Path PRINTED = Path.of("target", "faults.md");
  private static final boolean WRITE = Boolean.getBoolean("faults.write");
  private static final int AT_ONCE = 12;
  private static final int SOME_LOOKS = 6;
  private static final int MOST_LOOKS = 40;

  private final Semaphore running = new Semaphore(AT_ONCE);

  @Test
  void the_documented_table_matches_every_fault() throws Exception {
    Map<Cell, String> documented = FaultTable.read(DOCUMENT);
    Map<Cell, String> measured = new HashMap<>();
    for (ProviderWire wire : ProviderWire.values()) { // one by one: each has hundreds of pools
      measured.putAll(column(wire, WRITE ? Map.of() : documented));
    }
    String page = FaultTable.page(measured);
    Files.createDirectories(PRINTED.getParent());
    Files.writeString(PRINTED, page);
    if (WRITE) {
      Files.writeString(DOCUMENT, page);
    }
    assertEquals(page, Files.readString(DOCUMENT), "docs/faults.md is stale: see " + PRINTED);
    assertTrue(measured.values().stream().noneMatch(cell -> cell.contains("?")), "unknown cell");
  }

  private Map<Cell, String> column(ProviderWire wire, Map<Cell, String> documented)
      throws Exception {
    List<FaultyPool> pools = new ArrayList<>();
    try {
      for (Row row : FaultTable.rows()) {
        if (row.fault().existsOn(wire)) {
          pools.add(new FaultyPool(new Cell(row, wire)));
        }
      }
      return measured(pools, documented);
    } finally {
      for (FaultyPool pool : pools) {
        pool.close();
      }
    }
  }

  private Map<Cell, String> measured(List<FaultyPool> pools, Map<Cell, String> documented)
      throws Exception {
    Map<Cell, String> measured = new HashMap<>();
    try (Replicas replicas = setup(pools, "idle_timeout_ms: 60000").start(1);
        PoolPictures pictures = new PoolPictures(replicas);
        ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
      Map<FaultyPool, Future<String>> cells = new LinkedHashMap<>();
      for (FaultyPool pool : pools) {
        String known = documented.getOrDefault(pool.cell(), "");
        cells.put(pool, asking.submit(() -> measure(replicas.port(0), pictures, pool, known)));
      }
      for (Map.Entry<FaultyPool, Future<String>> each : cells.entrySet()) {
        FaultyPool pool = each.getKey();
        if (pool.stalls()) {
          assertTrue(pool.awaitFault(), () -> pool.cell() + ": no request arrived");
        } else {
          measured.put(pool.cell(), each.getValue().get());
        }
      }
      assertEquals(200, replicas.reload(0, setup(pools, "idle_timeout_ms: 1000")).status());
      for (Map.Entry<FaultyPool, Future<String>> each : cells.entrySet()) {
        measured.put(each.getKey().cell(), each.getValue().get());
      }
    }
    return measured;
  }

  private static Setup setup(List<FaultyPool> pools, String idleTimeout) {
    Setup setup =
        new Setup()
            .server(idleTimeout)
            .server("connect_timeout_ms: 3000")
            .jvm("-Drelay.ping_ms=2000")
            .jvm("-Drelay.probe_ms=3600000");
    pools.forEach(pool -> pool.addTo(setup));
    return setup;
  }

  private String measure(int port, PoolPictures pictures, FaultyPool pool, String documented)
      throws Exception {
    if (pool.waits()) {
      return observed(pictures, pool, asked(port, pool), documented);
    }
    String said;
    running.acquire();
    try {
      said = asked(port, pool);
    } finally {
      running.release();
    }
    return observed(pictures, pool, said, documented);
  }

  private static String asked(int port, FaultyPool pool) throws Exception {
    try {
      return pool.ask(port);
    } catch (IOException e) {
      throw new IOException(pool.cell().toString(), e);
    }
  }

  /** Looks until the result is the documented one, or for a while if there is none. */
  private static String observed(
      PoolPictures pictures, FaultyPool pool, String said, String documented) throws Exception {
    String seen = "";
    int looks = documented.isEmpty() ? SOME_LOOKS : MOST_LOOKS;
    for (int n = 0; n < looks && (n == 0 || !seen.equals(documented)); n++) {
      seen = said + pool.after(pictures.next());
    }
    if (!documented.isEmpty() && !seen.equals(documented)) {
      System.out.println(pool.cell() + "\ndocumented: " + documented + "\n      seen: " + seen);
    }
    return seen;
  }
}
