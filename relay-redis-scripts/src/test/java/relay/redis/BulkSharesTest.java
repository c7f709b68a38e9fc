package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Share;
import relay.redis.script.RedisKeys;
import relay.redis.walk.CallLine;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;
import relay.redis.walk.Wish;

/** A client that asks for many requests at once gets its share of a short pool, and no more. */
@Tag("slow")
final class BulkSharesTest {
  private static final int LIMIT = 600; // requests a minute
  private static final int STEPS = 20; // a second

  private final PoolPlan plan =
      Pools.plan("bulk", Duration.ofMinutes(1), 1, new Limits(LIMIT, 0, 0, 0));
  private final RedisKeys names = new RedisKeys("bulk", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final Random random = new Random(20_261_202);
  private long micros = 1_790_000_000_000_000L;
  private int next;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void many_at_once_are_no_larger_share(boolean partial) {
    wire.call(new Step.Configure(0, 7, plan), names, clock());
    Share single = new Share("single", 2, 1, 0, 0);
    Share bulk = new Share("bulk", 2, 1, 0, 0);
    long ofSingle = 0;
    long ofBulk = 0;
    for (int step = 0; step < 8 * 60 * STEPS; step++) {
      micros += 1_000_000 / STEPS;
      boolean counts = step >= 2 * 60 * STEPS;
      long one = random.nextInt(2) == 0 ? ask(single, null) : 0;
      long many = ask(bulk, new Wish.Term(60_000, 20, partial));
      one += ask(single, null);
      ofSingle += counts ? one : 0;
      ofBulk += counts ? many : 0;
    }
    String what = ofSingle + " and " + ofBulk + " of " + 6 * LIMIT;
    System.out.println("Shares: one at a time and twenty: " + what);
    assertTrue(ofSingle + ofBulk <= 6 * LIMIT + LIMIT / 60, what);
    assertTrue(ofSingle + ofBulk >= 0.95 * 6 * LIMIT, what);
    assertTrue(Math.abs(ofBulk - 3L * LIMIT) <= 3L * LIMIT / 10, what);
  }

  /**
   * Who was told a time finds room then, however much others ask for at once. If they will do with
   * a part they stand in the order as one, so their next request may come before.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void many_at_once_leave_free_what_is_promised(boolean partial) {
    wire.call(new Step.Configure(0, 7, plan), names, clock());
    Share single = new Share("single", 2, 1, 0, 0);
    Share bulk = new Share("bulk", 2, 1, 0, 0);
    long told = 0; // the first time that the request was told; 0 if it is a new one
    long due = 0;
    long latest = 0;
    int kept = 0;
    for (int step = 0; step < 5 * 60 * STEPS; step++) {
      micros += 1_000_000 / STEPS;
      ask(bulk, new Wish.Term(60_000, 20, partial));
      if (micros < due) {
        continue;
      }
      List<Object> reply = call(single, null);
      boolean granted = (Long) reply.get(2) > 0;
      due = granted ? 0 : micros + (Long) reply.get(3);
      if (granted && told > 0) {
        latest = Math.max(latest, micros - told);
        kept++;
      }
      told = granted ? 0 : told > 0 ? told : due;
    }
    System.out.println(
        "Shares: of " + kept + " times beside many the latest was " + latest + " us late");
    long late = partial ? 2 * 60_000_000L / LIMIT : 0;
    assertTrue(latest <= late + 1_000_000 / STEPS, latest + " us late");
    assertTrue(kept >= 5 * LIMIT / 4, kept + " times");
  }

  /** Returns how many requests are granted. */
  private long ask(Share share, Wish.@Nullable Term term) {
    long code = (Long) call(share, term).get(2);
    return code < 1 ? 0 : Math.max(1, code / 1_000);
  }

  private List<Object> call(Share share, Wish.@Nullable Term term) {
    String id = (term == null ? "l" : "@b:") + next++;
    Wish wish = new Wish(id, 10, 10, -1, "", term);
    StringBuilder line =
        new StringBuilder(CallLine.acquire(clock(), 7, 30_000, List.of(), "", List.of(wish)));
    share.appendOnly(line);
    return wire.call(
        ScriptFile.ACQUIRE, StepKeys.leases(names), line.toString(), "key0 account0/model", id);
  }

  private Clock clock() {
    return new Clock(micros, 0);
  }
}
