package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;

/** The readable picture is true, and costs only what changed. */
@Tag("slow")
final class IdlePictureTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int MOST = 10; // commands of a heartbeat
  private static final Pattern STAT =
      Pattern.compile("cmdstat_(\\S+?):calls=(\\d+),usec=(\\d+),.*");

  private final FaultyRedis redis = FaultyRedis.start();
  private final ScriptConnection wire = new ScriptConnection(redis.url());

  @AfterEach
  void close() {
    wire.close();
    redis.close();
  }

  /** Calls of scripts, commands that they ran, and their time. */
  private record Cost(long calls, long commands, long micros) {
    Cost since(Cost before) {
      return new Cost(calls - before.calls, commands - before.commands, micros - before.micros);
    }
  }

  private Cost cost() {
    long calls = 0;
    long all = 0;
    long micros = 0;
    for (String line : wire.redis().info("commandstats").lines().toList()) {
      Matcher m = STAT.matcher(line);
      if (m.matches()) {
        boolean script = m.group(1).equals("fcall");
        calls += script ? Long.parseLong(m.group(2)) : 0;
        micros += script ? Long.parseLong(m.group(3)) : 0;
        all += script || m.group(1).equals("info") ? 0 : Long.parseLong(m.group(2));
      }
    }
    return new Cost(calls, all, micros);
  }

  private RedisEngine engine(String replica) {
    return RedisEngine.start(Pools.options(redis.url(), replica, Fallback.CLOSED));
  }

  private static PoolPlan plan(int keys, Duration window) {
    return Pools.plan("idle" + keys, window, keys, new Limits(1_000_000, 0, 0, 0));
  }

  private static RedisKeys names(PoolPlan plan) {
    return new RedisKeys("test", plan.name());
  }

  private Map<String, String> lines(PoolPlan plan) {
    Map<String, String> lines = new HashMap<>();
    wire.redis()
        .hgetall(names(plan).picture)
        .forEach((k, v) -> lines.put(ScriptConnection.text(k), ScriptConnection.text(v)));
    return lines;
  }

  private String line(PoolPlan plan, String field) {
    return lines(plan).getOrDefault(field, "");
  }

  private KeyPool drawn(RedisEngine engine, PoolPlan plan) {
    KeyPool pool = engine.pool(plan);
    Await.until(
        "all lines are there",
        SOON,
        () -> wire.redis().hlen(names(plan).picture) == 2L * plan.keys().size());
    return pool;
  }

  /** Waits until heartbeats are all that the pool costs. Returns the cost of six. */
  private Cost rest(KeyPool pool) {
    AtomicReference<Cost> idle = new AtomicReference<>();
    Await.until(
        "only heartbeats cost anything",
        SOON,
        () -> {
          Cost before = cost();
          for (int n = 1; n <= 6; n++) {
            int calls = n;
            pool.upkeep().tick();
            Await.until("a call has passed", SOON, () -> cost().since(before).calls() >= calls);
          }
          Cost found = cost().since(before);
          idle.set(found);
          return found.commands() <= MOST * found.calls();
        });
    return idle.get();
  }

  @Test
  void an_idle_replica_of_a_large_pool_sends_heartbeats_of_few_commands_only() {
    PoolPlan plan = plan(2_000, Duration.ofMinutes(1));
    try (RedisEngine engine = engine("r")) {
      KeyPool pool = drawn(engine, plan);
      Cost idle = rest(pool);
      System.out.printf(
          "Idle with 2,000 keys: %.1f commands and %.0f us a heartbeat, two a second%n",
          (double) idle.commands() / idle.calls(), (double) idle.micros() / idle.calls());
    }
  }

  @Test
  void the_picture_of_many_keys_costs_by_their_requests() {
    Cost few = traffic(10);
    Cost many = traffic(2_000);
    System.out.printf("Requests with 10 keys: %s, with 2,000: %s%n", few, many);
    // more than 20 times as many if each heartbeat drew all
    assertTrue(many.commands() <= 3 * few.commands(), many + " after " + few);
  }

  /** 600 requests and twelve heartbeats, everything included. */
  private Cost traffic(int keys) {
    PoolPlan plan = plan(keys, Duration.ofMinutes(1));
    try (RedisEngine engine = engine("r" + keys)) {
      KeyPool pool = drawn(engine, plan);
      rest(pool);
      Cost before = cost();
      List<Lease> leases = new ArrayList<>();
      for (int n = 0; n < 600; n++) {
        leases.add(((Granted) pool.acquire(Pools.one()).join()).lease());
        if (leases.size() == 50) {
          leases.forEach(lease -> lease.settle(5, 5));
          leases.clear();
          pool.upkeep().tick();
        }
      }
      Await.until(
          "the picture has all of them",
          SOON,
          () -> {
            String all = String.join("\n", lines(plan).values());
            long used =
                Pattern.compile("rpm (\\d+)/")
                    .matcher(all)
                    .results()
                    .mapToLong(m -> Long.parseLong(m.group(1)))
                    .sum();
            return used == 600 && !Pattern.compile("inflight [1-9]").matcher(all).find();
          });
      return cost().since(before);
    }
  }

  @Test
  void usage_leaves_the_picture_with_the_window() {
    PoolPlan plan = plan(300, Duration.ofSeconds(2));
    try (RedisEngine engine = engine("r")) {
      KeyPool pool = drawn(engine, plan);
      Lease lease = ((Granted) pool.acquire(Pools.one()).join()).lease();
      Await.until("it is seen", SOON, () -> line(plan, lease.group()).startsWith("rpm 1/"));
      lease.settle(10, 10);
      Await.until(
          "it has left",
          SOON,
          () ->
              line(plan, lease.group()).startsWith("rpm 0/")
                  && line(plan, lease.group()).endsWith("inflight 0 cooldown_ms 0"));
    }
  }

  @Test
  void a_cooldown_counts_down_in_the_picture_of_a_large_pool() {
    PoolPlan plan = plan(300, Duration.ofMinutes(1));
    try (RedisEngine engine = engine("r")) {
      KeyPool pool = drawn(engine, plan);
      pool.operator().cooldown("key7", Duration.ofMillis(2_500)).join();
      Await.until("it cools", SOON, () -> line(plan, "key7").startsWith("status cooling"));
      pool.coolGroup("account8/" + Pools.CLASS, Duration.ofMillis(2_500));
      Await.until("its key does", SOON, () -> line(plan, "key8").startsWith("status cooling"));
      Await.until(
          "both are over",
          SOON,
          () ->
              line(plan, "key7").startsWith("status active inflight 0 cooldown_ms 0")
                  && line(plan, "key8").startsWith("status active inflight 0 cooldown_ms 0"));
    }
  }

  /** Also if its heartbeat has just been told that it draws, and it does not know that yet. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void the_picture_is_true_after_the_last_replica_has_stopped(boolean beats) {
    PoolPlan plan = plan(450, Duration.ofMinutes(1));
    RedisEngine first = engine("r1");
    RedisEngine second = engine("r2");
    List<Lease> leases = new ArrayList<>();
    List<KeyPool> pools = List.of(drawn(first, plan), drawn(second, plan));
    for (KeyPool pool : pools) {
      for (int n = 0; n < 20; n++) {
        leases.add(((Granted) pool.acquire(Pools.one()).join()).lease());
      }
    }
    Await.until(
        "the picture shows them",
        SOON,
        () -> lines(plan).values().stream().filter(l -> l.contains("inflight 1")).count() == 80);
    leases.forEach(lease -> lease.settle(1, 1));
    first.close();
    if (beats) {
      pools.getLast().upkeep().tick();
    }
    second.close();
    Map<String, String> after = lines(plan);
    assertEquals(900, after.size());
    assertEquals(
        List.of(), after.values().stream().filter(l -> !l.contains("inflight 0")).toList());
    assertEquals(40, after.values().stream().filter(l -> l.startsWith("rpm 1/")).count());
  }

  @Test
  void another_replica_draws_when_the_one_that_did_is_gone() {
    PoolPlan plan = plan(5, Duration.ofMinutes(1));
    try (RedisEngine second = engine("r2")) {
      RedisEngine first = engine("r1");
      drawn(first, plan);
      KeyPool pool = drawn(second, plan);
      first.close();
      pool.operator().quarantine("key3", "test").join();
      Await.until(
          "the quarantine is drawn",
          SOON,
          () -> line(plan, "key3").startsWith("status quarantined"));
    }
  }
}
