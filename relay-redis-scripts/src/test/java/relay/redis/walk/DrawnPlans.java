package relay.redis.walk;

import static relay.redis.walk.UncountedWalk.pick;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** The configurations of a random pool, one after the other: its accounts and classes stay. */
final class DrawnPlans {
  private static final double[] BURSTS = {1, 1, 0.5, 0.1, 0.01};
  private static final List<Strategy> STRATEGIES = List.of(Strategy.values());
  private static final long[] LIMITS = {0, 0, 1, 2, 7, 50, 1_000, 1_000_000, Limits.MAX};
  private static final long[] LARGE = {0, 1_000, 1_000_000, Limits.MAX};

  private final RandomGenerator random;
  private final boolean counted;
  private final boolean steady;
  private final List<KeyPlan> keys = new ArrayList<>();
  private final List<String> classes = new ArrayList<>();

  /**
   * @param indexed whether the pool may be large
   * @param counted whether groups have limits a day
   * @param steady whether limits have room for small requests, one a slot
   */
  DrawnPlans(RandomGenerator random, boolean indexed, boolean counted, boolean steady) {
    this.random = random;
    this.counted = counted;
    this.steady = steady;
    int accounts = random.nextInt(1, indexed ? 9 : 4);
    boolean divided = random.nextInt(3) == 0; // some accounts are parts of another
    for (int a = 0; a < accounts; a++) {
      for (int k = random.nextInt(1, 4); k > 0; k--) {
        boolean part = divided && random.nextInt(3) > 0;
        String account = part ? "a" + a / 2 + "/w" + random.nextInt(3) : "a" + a;
        keys.add(key("k" + keys.size(), account));
      }
    }
    for (int c = random.nextInt(1, 3); c > 0; c--) {
      classes.add("c" + c);
    }
  }

  /** All keys, also those that the last plan lacks. */
  List<KeyPlan> keys() {
    return keys;
  }

  List<String> classes() {
    return classes;
  }

  PoolPlan next(long windowMs) {
    keys.replaceAll(k -> random.nextInt(3) > 0 ? k : key(k.id(), k.account()));
    List<KeyPlan> present =
        keys.size() == 1 || random.nextInt(4) > 0
            ? keys
            : UncountedWalk.some(random, keys).toList();
    Map<String, Limits> limits = new HashMap<>();
    for (String account : PoolPlan.accountsOf(present)) {
      for (String modelClass : classes) {
        limits.put(
            PoolPlan.group(account, modelClass), new Limits(limit(), limit(), limit(), limit()));
      }
    }
    Strategy strategy = STRATEGIES.get(random.nextInt(4));
    Accounting accounting =
        switch (random.nextInt(6)) {
          case 0, 1 -> Accounting.TOKEN_BUCKET;
          case 2 -> Accounting.AUTO; // what is drawn never proves a bucket
          default -> Accounting.SLIDING_WINDOW;
        };
    double burst = BURSTS[random.nextInt(5)];
    Days days =
        counted && random.nextInt(4) > 0
            ? DrawnDays.of(limits.keySet(), random, this::limit)
            : Days.NONE;
    return new PoolPlan(
        "p",
        Duration.ofMillis(windowMs),
        strategy,
        accounting,
        burst,
        classes,
        present,
        limits,
        false,
        days);
  }

  private KeyPlan key(String id, String account) {
    int most = random.nextInt(3) > 0 ? 0 : random.nextInt(1, 5);
    return new KeyPlan(id, account, random.nextInt(3), random.nextInt(3), most);
  }

  long limit() {
    return pick(random, steady ? LARGE : LIMITS);
  }
}
