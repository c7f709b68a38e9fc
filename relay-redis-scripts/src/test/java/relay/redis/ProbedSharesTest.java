package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;

/** Shares of a client whose first try of each request is tiny, and of a rank with a floor. */
@Tag("slow")
final class ProbedSharesTest {
  private static final long LIMIT = 100_000; // input tokens a minute
  private static final int TINY = 8;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private SharedPool pool(Accounting accounting) {
    return new SharedPool(wire, Pools.accounting("probed", accounting, new Limits(0, LIMIT, 0, 0)));
  }

  private static void enter(SharedPool pool, Client client, long size, long probe) {
    for (int n = 0; n < 20; n++) {
      new Caller(pool, client, size, Caller::obeys).probing(probe).start(n / 6e4);
    }
  }

  /** What a place costs is what the request costs that is granted there. */
  @ParameterizedTest
  @CsvSource({
    "SLIDING_WINDOW, 0.02, 0",
    "SLIDING_WINDOW, 0.02, 8",
    "SLIDING_WINDOW, 0.05, 8",
    "TOKEN_BUCKET, 0.02, 8",
    "TOKEN_BUCKET, 0.05, 8"
  })
  void a_tiny_first_try_buys_nothing(Accounting accounting, double part, long probe) {
    SharedPool pool = pool(accounting);
    long size = Math.round(part * LIMIT);
    Client honest = pool.client("honest", 1);
    Client probes = pool.client("probes", 1);
    enter(pool, honest, size, 0);
    enter(pool, probes, size, probe);
    pool.run(12);
    double share = (double) probes.tokens / (probes.tokens + honest.tokens);
    double used = (honest.tokens + probes.tokens) / 12.0 / LIMIT;
    System.out.printf(
        "Probes: %s, requests of %.0f %%, first try of %d: %.1f %% of %.1f %%%n",
        accounting, 100 * part, probe, 100 * share, 100 * used);
    assertTrue(share >= 0.45 && share <= 0.52, share + " of all");
    assertTrue(used >= 0.9, used + " used");
  }

  /** With requests of 5 % it is one in two windows and a half. */
  @ParameterizedTest
  @CsvSource({
    "SLIDING_WINDOW, 0.02",
    "SLIDING_WINDOW, 0.05",
    "TOKEN_BUCKET, 0.02",
    "TOKEN_BUCKET, 0.05"
  })
  void a_floor_stays_a_floor_for_who_probes(Accounting accounting, double part) {
    SharedPool pool = pool(accounting);
    long size = Math.round(part * LIMIT);
    Client people = pool.client("people", 1, 1, 0, 0);
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    enter(pool, people, size, 0);
    enter(pool, batch, size, TINY);
    pool.run(5);
    long before = batch.tokens;
    pool.run(25);
    double got = (batch.tokens - before) / 20.0 / LIMIT;
    System.out.printf(
        "Probes: %s, requests of %.0f %%, a floor of 2 %%: %.1f %%%n",
        accounting, 100 * part, 100 * got);
    assertTrue(got >= 0.013 && got <= 0.03, got + " of the limit");
  }

  @Tag("long")
  @Test
  void so_it_does_in_a_bucket() {
    a_floor_holds_from_the_first_half_window_on(Accounting.TOKEN_BUCKET);
  }

  /** It had the whole pool before. */
  @ParameterizedTest
  @EnumSource(names = "SLIDING_WINDOW") // without answers AUTO is the same
  void a_floor_holds_from_the_first_half_window_on(Accounting accounting) {
    int limit = 600;
    SharedPool pool =
        new SharedPool(wire, Pools.accounting("floor", accounting, new Limits(limit, 0, 0, 0)));
    Client people = pool.client("people", 1, 1, 0, 0).marked();
    Client batch = pool.client("jobs", 3, 1, 0, 20).marked();
    batch.poll(0, 12, 2 * limit);
    people.poll(4, 12, 2 * limit);
    pool.run(12);
    StringBuilder told = new StringBuilder();
    for (double at = 4; at < 12; at += 0.5) {
      told.append(" %.2f".formatted(100 * batch.between(at, at + 0.5) / limit * 2));
    }
    System.out.printf("Floor: %s, half windows:%s %%%n", accounting, told);
    for (double at = 4.5; at < 12; at += 0.5) {
      double got = batch.between(at, at + 0.5) / limit * 2;
      assertTrue(got >= 0.013 && got <= 0.035, at + ": " + told);
    }
  }
}
