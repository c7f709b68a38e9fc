package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisCluster;
import relay.guards.RedisNode;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;

/** Pools in a Redis Cluster. */
@Tag("slow")
final class ClusterTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration DAY = Duration.ofDays(1); // a test's duration is negligible in it
  private static final Limits AMPLE = new Limits(100_000, 0, 0, 0);
  private static RedisCluster cluster;

  @BeforeAll
  static void start() {
    cluster = new RedisCluster();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static RedisEngine engine(Duration timeout) {
    return RedisEngine.start(Pools.options(cluster, timeout));
  }

  private static Lease granted(KeyPool pool) {
    return assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
  }

  private static PoolSnapshot.GroupState group(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst();
  }

  @Test
  void pools_spread_over_the_masters_and_each_is_exact() throws InterruptedException {
    try (RedisEngine engine = engine(Duration.ofSeconds(10))) {
      Set<RedisNode> owners = new HashSet<>();
      List<KeyPool> pools = new ArrayList<>();
      for (int n = 0; n < 8; n++) {
        String name = "pool-" + n;
        owners.add(cluster.owner(cluster.slot(name)));
        pools.add(engine.pool(Pools.plan(name, DAY, 1, new Limits(100, 0, 0, 0))));
      }
      assertEquals(3, owners.size(), "the test's pools are on all masters");
      for (KeyPool pool : pools) {
        int granted = 0;
        for (int n = 0; n < 60; n++) {
          granted += pool.acquire(Pools.one()).join() instanceof Granted ? 1 : 0;
        }
        assertEquals(50, granted, "half the limit at once");
      }
      Set<String> names =
          pools.stream().map(pool -> pool.plan().name()).collect(Collectors.toSet());
      assertTrue(engine.storedPools().containsAll(names), "those of all masters");
      assertEquals(1, engine.storedPlan("pool-7").join().orElseThrow().keys().size());
    }
  }

  @Test
  void a_slot_that_moves_under_load_fails_no_request_and_counts_each_once() throws Exception {
    try (RedisEngine engine = engine(Duration.ofSeconds(10))) {
      KeyPool pool = engine.pool(Pools.plan("moving", DAY, 1, AMPLE));
      int slot = cluster.slot("moving");
      RedisNode from = cluster.owner(slot);
      RedisNode to = cluster.owner((slot + 16_384 / 3) % 16_384);
      granted(pool).settle(10, 10);
      Thread move = Thread.ofVirtual().start(() -> cluster.move(slot, from, to));
      int requests = 1;
      while (move.isAlive() || requests < 500) {
        granted(pool).settle(10, 10);
        requests++;
      }
      move.join();
      Await.until("all are settled", SOON, () -> group(pool).inFlight() == 0);
      assertEquals(new Usage(requests, 10L * requests, 10L * requests), group(pool).used());
      assertNotEquals("0", to.call("CLUSTER", "COUNTKEYSINSLOT", "" + slot).getFirst());
    }
  }

  @Test
  void a_dead_master_s_replica_serves_its_pools_and_others_go_on() {
    try (RedisEngine engine = engine(Duration.ofMillis(500))) {
      String name = "dying";
      RedisNode dying = cluster.owner(cluster.slot(name));
      KeyPool pool = engine.pool(Pools.plan(name, DAY, 1, AMPLE));
      KeyPool other = engine.pool(Pools.plan(onAnother(dying), DAY, 1, AMPLE));
      granted(pool).settle(10, 10);
      Await.until("it is settled", SOON, () -> group(pool).inFlight() == 0);
      dying.kill();
      Await.until(
          "the replica serves it",
          SOON,
          () -> pool.acquire(Pools.one()).join() instanceof Granted g && end(g));
      Await.until("all is settled", SOON, () -> group(pool).inFlight() == 0);
      assertEquals(new Usage(2, 20, 20), group(pool).used());
      Await.until("the cluster is up", SOON, engine::isUp);
      // A node refuses all while it takes a part of the slots for unserved.
      Await.until(
          "the other goes on",
          SOON,
          () -> other.acquire(Pools.one()).join() instanceof Granted g && end(g));
      dying.startAgain();
      Await.until("it follows", SOON, () -> dying.call("ROLE").getFirst().equals("slave"));
      cluster.awaitAgreement(); // the next test needs all nodes
    }
  }

  private static boolean end(Granted granted) {
    granted.lease().settle(10, 10);
    return true;
  }

  private static String onAnother(RedisNode than) {
    for (int n = 0; ; n++) {
      String name = "other-" + n;
      if (cluster.owner(cluster.slot(name)) != than) {
        return name;
      }
    }
  }
}
