package example;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** Two keys of two accounts, each with 100 requests and 50,000 input tokens a minute. */
public final class Example {
  public static String ask(String redisUrl, String prefix) {
    EngineOptions options =
        new EngineOptions(
            redisUrl,
            prefix,
            "worker-1",
            Duration.ofSeconds(1),
            Fallback.FAIR_SHARE,
            EngineOptions.DEFAULT_LEASE);
    Limits limits = new Limits(100, 50_000, 0, 0); // requests, input, output, total; 0: no limit
    PoolPlan plan =
        new PoolPlan(
            "llm",
            Duration.ofMinutes(1),
            Strategy.LEAST_LOADED,
            Accounting.SLIDING_WINDOW,
            1.0,
            List.of("large"),
            List.of(
                new KeyPlan("key-a", "acct-a", 0, 1, 0), new KeyPlan("key-b", "acct-b", 0, 1, 0)),
            Map.of("acct-a/large", limits, "acct-b/large", limits));
    try (RedisEngine engine = RedisEngine.start(options)) { // one a process
      KeyPool pool = engine.pool(plan);
      return switch (pool.acquire(Demand.of("large", 1_200, 400)).join()) {
        case Acquisition.Granted(var lease) -> {
          // ... call the provider with the secret of lease.key() ...
          lease.settle(1_180, 350); // what it really used
          yield "used " + lease.key();
        }
        case Acquisition.Exhausted(var retryAfter, var reason) -> reason + ", try in " + retryAfter;
        case Acquisition.Impossible(var _, long limit) -> "larger than " + limit;
        case Acquisition.NoneUsable _ -> "every key that could carry it is quarantined";
        case Acquisition.OverBudget _ -> "its key has spent a budget";
        case Acquisition.Overloaded _ -> "too many at once";
        case Acquisition.Unavailable _ -> "no Redis";
      };
    }
  }
}
