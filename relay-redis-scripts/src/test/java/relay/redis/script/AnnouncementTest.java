package relay.redis.script;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.Pools;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;
import relay.redis.walk.Wish;

/** A large pool is announced in parts, and so is an account with more keys than a part. */
final class AnnouncementTest {
  private static final int PART = 60;
  private static final int NEWCOMER = 0;
  private static final long REMEMBERED = 99; // an epoch unknown to Redis
  private static final long GRANTED = 1;
  private static final long DENIED = 0;
  private static final long LOOK_AGAIN = -5;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final RedisKeys names = new RedisKeys("account", Pools.name("p"));
  private final Clock clock = new Clock(1_790_000_000_000_000L, 0);
  private long epoch;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** Keys of one account, each for one request at a time. */
  private static PoolPlan account(int keys) {
    List<KeyPlan> all =
        IntStream.range(0, keys).mapToObj(n -> new KeyPlan("key" + n, "one", 0, 1, 1)).toList();
    return Pools.plan("account", Duration.ofMinutes(1), all, new Limits(900_000, 0, 0, 0));
  }

  private static List<String> ids(int keys) {
    return account(keys).keys().stream().map(KeyPlan::id).toList();
  }

  private List<String> listed() {
    String field = "m:" + PoolPlan.group("one", Pools.CLASS);
    return List.of(
        ScriptConnection.text(wire.redis().hget(names.state, RedisKeys.bytes(field))).split(" "));
  }

  private void announce(PoolPlan plan, long known) {
    int parts = announcement(plan).parts();
    long found = 0;
    for (int part = 0; part < parts; part++) {
      List<Object> reply = announce(plan, part, known, found);
      found = part == 0 ? (Long) reply.get(3) : found;
      epoch = (Long) reply.get(2);
    }
  }

  private List<Object> announce(PoolPlan plan, int part, long known, long found) {
    List<byte[]> keys = new ArrayList<>(List.of(StepKeys.configured(names)));
    keys.addAll(new Candidates(plan, names).readySets());
    List<Object> args = new ArrayList<>(List.of(clock.ceiling(), clock.told()));
    announcement(plan)
        .args(part, known, found, "", ConfigMark.NONE)
        .forEach(arg -> args.add(ScriptConnection.text(arg)));
    return wire.call(ScriptFile.CONFIGURE, keys.toArray(byte[][]::new), args.toArray());
  }

  private Announcement announcement(PoolPlan plan) {
    return new Announcement(new Candidates(plan, names), PART);
  }

  @Test
  void all_keys_of_an_account_are_listed_whatever_their_part() {
    assertEquals(3, announcement(account(130)).parts());
    announce(account(130), NEWCOMER);
    assertEquals(ids(130), listed());
  }

  @Test
  void keys_that_left_the_account_are_not_listed() {
    announce(account(130), NEWCOMER);
    announce(account(70), NEWCOMER);
    assertEquals(ids(70), listed());
  }

  @Test
  void replicas_that_announce_an_account_at_once_list_each_key_once() {
    for (int part = 0; part < 3; part++) {
      announce(account(130), part, NEWCOMER, Math.min(part, 1));
      announce(account(130), part, NEWCOMER, Math.min(part, 1));
    }
    assertEquals(ids(130), listed());
  }

  @Test
  void a_freed_key_of_many_is_found() {
    PoolPlan plan = account(130);
    announce(plan, NEWCOMER);
    for (int n = 0; n < 130; n++) {
      assertEquals(GRANTED, acquire(plan, "lease" + n));
    }
    assertEquals(DENIED, acquire(plan, "over"));
    call(new Step.Settle(List.of(new Step.Cost("lease77", 1, 5, 5)), sets(plan)));
    assertEquals(GRANTED, acquire(plan, "next"));
  }

  /** A new replica had created the pool before a replica with the old epoch came back. */
  @Test
  void each_part_of_a_lost_pool_is_in_debt() {
    PoolPlan plan = Pools.plan("lost", Duration.ofMinutes(1), 2 * PART, new Limits(10, 0, 0, 0));
    announce(plan, NEWCOMER);
    announce(plan, REMEMBERED);
    assertEquals(DENIED, acquire(plan, "any"));
  }

  private List<String> sets(PoolPlan plan) {
    return new Candidates(plan, names)
        .readySets().stream()
            .map(set -> ScriptConnection.text(set).substring(names.base().length()))
            .toList();
  }

  private long acquire(PoolPlan plan, String id) {
    List<Wish> wish = List.of(new Wish(id, 5, 5, ""));
    List<String> sets = sets(plan);
    Step step =
        new Step.AcquireIndexed(
            List.of(), wish, epoch, 3_600_000, sets, sets, List.of(), List.of());
    long answer = LOOK_AGAIN;
    while (answer == LOOK_AGAIN) {
      answer = (Long) call(step).get(2);
    }
    return answer;
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, clock);
  }
}
