package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import relay.e2e.FaultTable.Cell;
import relay.e2e.FaultTable.Row;
import relay.embedded.EmbeddedRedis;

/** The cells of one protocol: a replica with a pool for each. */
final class FaultColumn implements AutoCloseable {
  private static final int AT_ONCE = 6;

  /** Longer than a test takes: no cell depends on the machine's speed. */
  private static final String LONG_IDLE = "idle_timeout_ms: 60000";

  /** Once only requests are left that have reached their stall. */
  private static final String SHORT_IDLE = "idle_timeout_ms: 1000";

  private final Semaphore running = new Semaphore(AT_ONCE);
  private final List<FaultyPool> pools = new ArrayList<>();
  private final EmbeddedRedis redis;
  private final Replicas replicas;

  FaultColumn(ProviderWire wire, List<Row> rows, EmbeddedRedis redis) throws Exception {
    this.redis = redis;
    for (Row row : rows) {
      if (row.fault().existsOn(wire)) {
        pools.add(new FaultyPool(new Cell(row, wire)));
      }
    }
    replicas = setup(LONG_IDLE).start(1);
  }

  private Setup setup(String idleTimeout) {
    Setup setup =
        new Setup()
            .on(redis)
            .server(idleTimeout)
            .server("connect_timeout_ms: 4000")
            .redis("timeout_ms: 20000") // without Redis a grant stays charged, sent or not
            .jvm("-Xmx512m") // some 250 pools, each with an HTTP client of its own
            .jvm("-Drelay.timings=ping=2000,probe=3600000");
    pools.forEach(pool -> pool.addTo(setup));
    return setup;
  }

  /**
   * What each cell reads.
   *
   * @param documented what it should read; a cell that is not there is looked at for a while
   */
  Map<Cell, String> measure(Map<Cell, String> documented) throws Exception {
    Map<Cell, String> measured = new HashMap<>();
    try (ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
      begin(pools.stream().filter(pool -> !pool.stalls()).toList(), documented, asking)
          .forEach((cell, seen) -> measured.put(cell, get(seen)));
      List<FaultyPool> stalling = pools.stream().filter(FaultyPool::stalls).toList();
      Map<Cell, Future<String>> stalled = begin(stalling, documented, asking);
      for (FaultyPool pool : stalling) {
        pool.awaitFault();
      }
      assertEquals(200, replicas.reload(0, setup(SHORT_IDLE)).status());
      stalled.forEach((cell, seen) -> measured.put(cell, get(seen)));
    }
    return measured;
  }

  private Map<Cell, Future<String>> begin(
      List<FaultyPool> some, Map<Cell, String> documented, ExecutorService asking) {
    Map<Cell, Future<String>> cells = new LinkedHashMap<>();
    for (FaultyPool pool : some) {
      String known = documented.getOrDefault(pool.cell(), "");
      cells.put(pool.cell(), asking.submit(() -> measure(pool, known)));
    }
    return cells;
  }

  /** A cell that cannot be measured does not hide the others. */
  private static String get(Future<String> seen) {
    try {
      return seen.get();
    } catch (InterruptedException | ExecutionException e) {
      e.printStackTrace();
      return "? " + e.getMessage();
    }
  }

  private String measure(FaultyPool pool, String documented) throws Exception {
    boolean waits = pool.waits(); // and needs no processor meanwhile
    if (!waits) {
      running.acquire();
    }
    try {
      String said = pool.ask(replicas.port(0));
      return pool.observed(replicas, said, documented);
    } catch (IOException e) {
      throw new IOException(pool.cell().toString(), e);
    } finally {
      if (!waits) {
        running.release();
      }
    }
  }

  @Override
  public void close() throws IOException {
    replicas.close();
    for (FaultyPool pool : pools) {
      pool.close();
    }
  }
}
