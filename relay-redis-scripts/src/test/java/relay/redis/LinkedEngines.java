package relay.redis;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * A Redis that a test may break, and engines on it. A subclass with a loop runs the same tests on
 * the other kind of connection.
 */
abstract class LinkedEngines {
  static final Duration SOON = Duration.ofSeconds(20);
  static final Limits AMPLE = new Limits(100_000, 0, 0, 0);
  static final Duration TIMEOUT = Duration.ofMillis(500);
  private static final Duration DAY = Duration.ofDays(1); // a test's duration is negligible in it

  FaultyRedis redis;
  final List<RedisEngine> engines = new ArrayList<>();

  @BeforeEach
  void start() {
    redis = FaultyRedis.start();
  }

  @AfterEach
  void stop() {
    redis.close(); // first, while no call is pending
    engines.forEach(RedisEngine::close);
    SelectorLoop loop = loop();
    if (loop != null) {
      loop.close(); // last: the engines use it
    }
  }

  /** The program's own loop that serves the connections; null for threads of the engines' own. */
  @Nullable SelectorLoop loop() {
    return null;
  }

  final RedisEngine engine(String replica, Fallback fallback) {
    return engine(Pools.options(redis.url(), replica, fallback));
  }

  /** An engine with a short timeout. */
  final RedisEngine impatient(String replica, Fallback fallback) {
    return engine(Pools.options(redis.url(), replica, fallback, TIMEOUT));
  }

  final RedisEngine engine(EngineOptions options) {
    RedisEngine engine = started(options);
    engines.add(engine);
    return engine;
  }

  /** An engine that its test closes. */
  final RedisEngine started(EngineOptions options) {
    return RedisEngine.start(options, loop());
  }

  static PoolPlan plan(Limits limits) {
    return Pools.plan("pool", DAY, 1, limits);
  }

  static Granted granted(CompletableFuture<Acquisition> acquisition) {
    return assertInstanceOf(Granted.class, acquisition.join());
  }

  static GroupState group(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst();
  }

  static void upAgain(RedisEngine engine) {
    Await.until("the link is up", SOON, engine::isUp);
  }
}
