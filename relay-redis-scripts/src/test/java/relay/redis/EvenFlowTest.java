package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.simulation.Account;

/**
 * The flow of a pool under steady demand of 1.6 times what it can carry, in virtual time, on the
 * scripts in a real Redis, before accounts with continuous buckets of the limit.
 */
final class EvenFlowTest {
  private static final double OVERLOAD = 1.6;
  private static final int WINDOWS = 12;
  private static final int FULL = 2; // windows, before the demand rests
  private static final int FROM = 4; // windows after the demand began, or went on
  private static final double PART = 1 / 20.0; // of a window

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** Where the demand comes from. */
  enum Start {
    /** The pool was idle. */
    IDLE(0),
    /** The pool was full, and then without demand for a third of a window. */
    RESTED(1 / 3.0);

    final double rest;

    Start(double rest) {
      this.rest = rest;
    }
  }

  @ParameterizedTest
  @CsvSource({
    // accounting, window in seconds, start, accounts, requests of a window and account, replicas
    "SLIDING_WINDOW, 60, IDLE, 4, 150, 3",
    "SLIDING_WINDOW, 60, IDLE, 1, 150, 1",
    "SLIDING_WINDOW, 60, IDLE, 1, 1000, 3",
    "SLIDING_WINDOW, 60, RESTED, 4, 150, 1",
    "SLIDING_WINDOW, 60, RESTED, 1, 150, 3",
    "SLIDING_WINDOW, 60, RESTED, 1, 1000, 1",
    "SLIDING_WINDOW, 20, IDLE, 4, 150, 1",
    "SLIDING_WINDOW, 20, RESTED, 1, 400, 3",
    "SLIDING_WINDOW, 10, IDLE, 1, 400, 1",
    "SLIDING_WINDOW, 10, RESTED, 4, 150, 3",
    "TOKEN_BUCKET, 60, IDLE, 4, 150, 3",
    "TOKEN_BUCKET, 60, RESTED, 1, 150, 1",
    "TOKEN_BUCKET, 20, IDLE, 1, 400, 1",
    "TOKEN_BUCKET, 10, RESTED, 1, 1000, 3",
    "AUTO, 60, IDLE, 1, 400, 3"
  })
  void a_pool_is_used_evenly(
      Accounting accounting, int seconds, Start start, int accounts, int limit, int replicas) {
    Flow flow = new Flow(accounting, seconds, accounts, limit);
    flow.demand(start, replicas);
    flow.pool.run((double) WINDOWS * seconds / 60);
    flow.check(accounting + ", " + seconds + " s, " + start + ", " + accounts + " of " + limit);
  }

  private static PoolPlan plan(Accounting accounting, int seconds, int accounts, int limit) {
    var keys = Pools.keys(accounts, accounts, 0);
    Map<String, Limits> limits =
        keys.stream()
            .collect(
                Collectors.toMap(
                    key -> PoolPlan.group(key.account(), Pools.CLASS),
                    key -> new Limits(limit, 0, 0, 0)));
    return new PoolPlan(
        "shared",
        Duration.ofSeconds(seconds),
        Strategy.LEAST_LOADED,
        accounting,
        1,
        List.of(Pools.CLASS),
        keys,
        limits);
  }

  /** Sends requests to one pool, and records when they are granted. */
  private final class Flow {
    private final SharedPool pool;
    private final Client client;
    private final long window;
    private final long capacity; // requests of a window
    private final Account provider;
    private final Random random = new Random(42);
    private long from; // is looked at
    private long refused;

    Flow(Accounting accounting, int seconds, int accounts, int limit) {
      pool = new SharedPool(wire, plan(accounting, seconds, accounts, limit));
      client = pool.client("load", 0).marked();
      window = seconds * SharedPool.SECOND;
      capacity = (long) accounts * limit;
      provider = new Account.Bucket(capacity * 60 / seconds, (double) capacity);
    }

    /** Each request is sent once; of ten refused ones, one comes again when it was told to. */
    void demand(Start start, int replicas) {
      long begin = pool.minute(0);
      double gap = window / (OVERLOAD * capacity);
      long rest = Math.round(start.rest * window);
      from = begin + FROM * window + (rest > 0 ? FULL * window + rest : 0);
      for (long n = 0; n * gap < WINDOWS * window; n++) {
        long at = begin + Math.round((n + 0.05 * random.nextDouble()) * gap);
        boolean resting = at >= begin + FULL * window && at < begin + FULL * window + rest;
        if (!resting) {
          long there = replicas == 1 ? 1_000 : 1_000 * (1 + n % replicas); // to Redis
          pool.time.at(at + there, this::arrive);
        }
      }
    }

    private void arrive() {
      long wait = client.ask();
      if (wait == 0) {
        sent();
      } else if (random.nextInt(10) == 0) {
        pool.time.at(
            pool.time.now() + wait + 5_000,
            () -> {
              if (client.ask() == 0) {
                sent();
              }
            });
      }
    }

    private void sent() {
      long there = pool.time.now() + random.nextLong(20_000);
      pool.time.at(there, () -> refused += provider.ask(there, 1) > 0 ? 1 : 0);
    }

    void check(String what) {
      long until = pool.minute(0) + WINDOWS * window;
      double pause = (double) VirtualTime.longestPause(client.grants, from, until) / window;
      long part = Math.round(PART * window);
      long[] parts = new long[(int) ((until - from) / part)];
      client.grants.stream()
          .filter(at -> at >= from && at < from + parts.length * part)
          .forEach(at -> parts[(int) ((at - from) / part)]++);
      double mean = Arrays.stream(parts).average().orElseThrow();
      double least = Arrays.stream(parts).min().orElseThrow() / mean;
      double most = Arrays.stream(parts).max().orElseThrow() / mean;
      double used = mean / PART / capacity;
      System.out.printf(
          "Flow, %s: pause %.2f %% of a window, parts %.2f to %.2f, %.2f %% used%n",
          what, 100 * pause, least, most, 100 * used);
      assertEquals(0, refused, what + ": refused by the provider");
      assertTrue(pause <= 1 / 50.0, what + ": a pause of " + pause + " of a window");
      assertTrue(least >= 2 / 3.0 && most <= 4 / 3.0, what + ": " + least + " to " + most);
      assertTrue(used >= 0.99, what + ": " + used + " used");
    }
  }
}
