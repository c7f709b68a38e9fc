package relay.redis;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import relay.redis.model.Acquisition;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.script.RedisKeys;

/** Replicas that share one pool, and the plans that they give it. */
public final class PlannedFleet implements AutoCloseable {
  static final Duration HOUR = Duration.ofHours(1);

  /** The bound of all waits. */
  public static final Duration SOON = Duration.ofSeconds(20);

  /** Keys of a pool so large that Redis keeps an index of it. */
  static final int MANY = 20;

  private final String name = Pools.name("reconfigured");
  private final RedisKeys keys = new RedisKeys("test", name);
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final List<RedisEngine> engines = new ArrayList<>();

  @Override
  public void close() {
    engines.forEach(RedisEngine::close);
    wire.close();
  }

  /** The pool's name. */
  public String name() {
    return name;
  }

  public RedisKeys keys() {
    return keys;
  }

  public ScriptConnection wire() {
    return wire;
  }

  public RedisEngine engine(String replica) {
    return start(Pools.options(RedisUnderTest.url(), replica, Fallback.CLOSED));
  }

  RedisEngine engine(String replica, Duration timeout) {
    return start(Pools.options(RedisUnderTest.url(), replica, Fallback.CLOSED, timeout));
  }

  private RedisEngine start(EngineOptions options) {
    RedisEngine started = RedisEngine.start(options);
    engines.add(started);
    return started;
  }

  static KeyPlan key(String id) {
    return new KeyPlan(id, "of-" + id, 0, 1, 0);
  }

  static Limits requests(long limit) {
    return new Limits(limit, 0, 0, 0);
  }

  /** A plan that limits each key's requests per hour. */
  public PoolPlan plan(long requests, String... ids) {
    List<KeyPlan> all = List.of(ids).stream().map(PlannedFleet::key).toList();
    return Pools.plan(name, HOUR, all, requests(requests));
  }

  /** A plan with numbered keys, and more. */
  public PoolPlan large(int numbered, String... more) {
    List<KeyPlan> all =
        new ArrayList<>(
            IntStream.range(0, numbered)
                .mapToObj(n -> new KeyPlan("k" + n, "a" + n, 0, 1, 1))
                .toList());
    List.of(more).forEach(id -> all.add(key(id)));
    return Pools.plan(name, HOUR, all, requests(1_000));
  }

  static Lease lease(CompletableFuture<Acquisition> answer) {
    return assertInstanceOf(Acquisition.Granted.class, answer.join()).lease();
  }

  static GroupState group(KeyPool pool, String key) {
    return pool.snapshot().join().groups().stream()
        .filter(g -> g.account().equals("of-" + key))
        .findFirst()
        .orElseThrow();
  }

  /** The readable picture: a line per key and group. */
  Map<String, String> picture() {
    Map<String, String> lines = new HashMap<>();
    wire.redis()
        .hgetall(keys.picture)
        .forEach((k, v) -> lines.put(ScriptConnection.text(k), ScriptConnection.text(v)));
    return lines;
  }
}
