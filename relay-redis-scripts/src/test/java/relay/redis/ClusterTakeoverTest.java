package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import relay.guards.Await;
import relay.guards.RedisCluster;
import relay.guards.RedisNode;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.Usage;

/** Other masters of a Cluster take slots over: with, without, and despite those before them. */
@Tag("slow")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ClusterTakeoverTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Limits AMPLE = new Limits(100_000, 0, 0, 0);
  private static RedisCluster cluster;

  private RedisEngine engine;

  @BeforeAll
  static void start() {
    cluster = new RedisCluster();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @BeforeEach
  void connect() {
    engine = RedisEngine.start(Pools.options(cluster, Duration.ofSeconds(10)));
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private KeyPool pool(String name) {
    return engine.pool(Pools.plan(name, Duration.ofDays(1), 1, AMPLE));
  }

  private static RedisNode owner(KeyPool pool) {
    return cluster.owner(cluster.slot(pool.plan().name()));
  }

  /** A pool on another master, so that the engine is connected to it. */
  private KeyPool elsewhere(RedisNode than) {
    for (int n = 0; ; n++) {
      String name = "elsewhere-" + n;
      if (cluster.owner(cluster.slot(name)) != than) {
        KeyPool pool = pool(name);
        granted(pool).settle(10, 10);
        return pool;
      }
    }
  }

  private static Lease granted(KeyPool pool) {
    return assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
  }

  private static boolean counts(KeyPool pool, Usage used, long inFlight) {
    return pool.snapshot()
        .thenApply(snapshot -> snapshot.groups().getFirst())
        .handle(
            (group, failure) ->
                failure == null && group.used().equals(used) && group.inFlight() == inFlight)
        .join();
  }

  @Test
  @Order(1)
  void a_call_is_asked_for_at_a_master_that_lacks_the_library() {
    KeyPool pool = pool("asked");
    granted(pool).settle(10, 10);
    RedisNode from = owner(pool);
    RedisNode to = owner(elsewhere(from));
    cluster.moveKeys(cluster.slot("asked"), from, to);
    assertEquals(List.of("OK"), to.call("FUNCTION", "FLUSH"));
    assertInstanceOf(Granted.class, pool.pick(Pools.one()).join());
    cluster.move(cluster.slot("asked"), from, to);
  }

  @Test
  @Order(2)
  void leases_that_a_connected_master_lost_with_the_slot_hold_their_places_again() {
    KeyPool pool = pool("taken");
    RedisNode from = owner(pool);
    RedisNode to = owner(elsewhere(from));
    List<Lease> running = new ArrayList<>();
    for (int n = 0; n < 5; n++) {
      running.add(granted(pool));
    }
    granted(pool).settle(7, 8);
    cluster.takeOver(cluster.slot("taken"), to);
    Await.until("all are charged again", SOON, () -> counts(pool, new Usage(6, 57, 58), 5));
    running.forEach(lease -> lease.settle(20, 5));
    Await.until("and settled", SOON, () -> counts(pool, new Usage(6, 107, 33), 0));
  }

  @Test
  @Order(3)
  void a_former_master_that_is_cut_off_from_the_others_is_not_believed() {
    KeyPool pool = pool("left");
    granted(pool).settle(10, 10);
    cluster.isolate(owner(pool));
    Await.until(
        "the new master serves it",
        SOON,
        () -> pool.acquire(Pools.one()).join() instanceof Granted);
  }
}
