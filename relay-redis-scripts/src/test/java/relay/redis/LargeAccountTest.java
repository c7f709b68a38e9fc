package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.script.RedisKeys;

/** The maximum number of keys in one account: they share their quota groups. */
@Tag("slow")
final class LargeAccountTest {
  private static final int KEYS = 10_000;
  private static final int GRANTS = 500;
  private static final Duration TIMEOUT = Duration.ofMillis(100); // the usual one
  private static final long MOST_MICROS = 50_000; // Redis serves no other call meanwhile

  @Test
  void a_pool_whose_keys_share_an_account_serves_and_no_call_takes_long() {
    List<KeyPlan> keys =
        IntStream.range(0, KEYS).mapToObj(n -> new KeyPlan("key" + n, "one", 1, 1, 0)).toList();
    PoolPlan plan = Pools.plan("large", Duration.ofMinutes(1), keys, new Limits(900_000, 0, 0, 0));
    RedisKeys names = new RedisKeys("test", "large");
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      wire.redis().configSet("slowlog-log-slower-than", "100");
      wire.redis().configSet("slowlog-max-len", "100000");
      EngineOptions options = Pools.options(redis.url(), "r", Fallback.CLOSED, TIMEOUT);
      try (RedisEngine engine = RedisEngine.start(options)) {
        KeyPool pool = engine.pool(plan);
        Set<String> used = new HashSet<>();
        Await.until(
            "grants of many keys",
            Duration.ofSeconds(60),
            () -> {
              if (pool.acquire(Pools.one()).join() instanceof Granted(Lease lease)) {
                used.add(lease.key());
              }
              return used.size() == GRANTS;
            });
        assertEquals(KEYS, listed(wire, names).size());
      }
      options = Pools.options(redis.url(), "patient", Fallback.CLOSED);
      try (RedisEngine engine = RedisEngine.start(options)) {
        KeyPool other = engine.pool(plan); // twice, as by replicas that start together
        KeyPool pool = engine.pool(plan);
        CompletableFuture.allOf(other.configure(), pool.configure()).join();
        assertEquals(KEYS, listed(wire, names).size());
        pool.quarantine(pool.plan().keysOf("one"), "no credit");
        until(pool, KEYS);
        pool.operator().restore("key0").join();
        until(pool, 0);
      }
      Map<String, List<Long>> calls = calls(wire);
      System.out.println("Calls with " + KEYS + " keys of an account, us in the middle, at most:");
      calls.forEach(
          (script, micros) ->
              System.out.printf(
                  "  %s %d, %d (%d calls)%n",
                  script, median(micros), micros.getLast(), micros.size()));
      calls.forEach((script, micros) -> assertTrue(median(micros) < MOST_MICROS, script));
    }
  }

  /** The keys that a settlement of the account's group makes ready again. */
  private static Set<String> listed(ScriptConnection wire, RedisKeys names) {
    String line =
        ScriptConnection.text(
            wire.redis().hget(names.state, RedisKeys.bytes("m:one/" + Pools.CLASS)));
    return Set.of(line.split(" "));
  }

  private static void until(KeyPool pool, long quarantined) {
    Await.until(
        quarantined + " seen in quarantine",
        Duration.ofSeconds(60),
        () -> {
          PoolSnapshot seen = pool.latest();
          return seen != null
              && seen.keys().size() == KEYS
              && seen.keys().stream().map(KeyState::quarantine).filter(why -> why != null).count()
                  == quarantined;
        });
  }

  /** How long the calls of each script took, in microseconds, the shortest first. */
  private static Map<String, List<Long>> calls(ScriptConnection wire) {
    return wire.redis().slowlogGet(100_000).stream()
        .map(entry -> (List<?>) entry)
        .filter(entry -> command(entry, 0).equals("FCALL"))
        .sorted(Comparator.comparing(entry -> (Long) entry.get(2)))
        .collect(
            Collectors.groupingBy(
                entry -> command(entry, 1).replaceFirst("relay_[^_]*_", ""),
                TreeMap::new,
                Collectors.mapping(entry -> (Long) entry.get(2), Collectors.toList())));
  }

  /** A busy machine makes some calls slow. */
  private static long median(List<Long> sorted) {
    return sorted.get(sorted.size() / 2);
  }

  private static String command(List<?> entry, int word) {
    return (String) ScriptConnection.readable((List<?>) entry.get(3)).get(word);
  }
}
