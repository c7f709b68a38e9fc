package relay.redis.walk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.script.RedisKeys;
import relay.redis.walk.PoolModel.Later;

/**
 * Random states: a refused request is granted at the returned time. It is not granted one slot
 * earlier, or one millisecond earlier where only a pacer decides.
 */
@Tag("slow")
final class RetryAfterTest {
  private static final int STATES = Integer.getInteger("relay.states", 500);
  private static final long COOLDOWN = 0;
  private static final long CONCURRENCY = 5;
  private static final long BUDGET = 6; // of clients
  private static final int REASONS = 9; // 7 and 8 are of a day
  private static final int MOST_STEPS = 60;

  @Test
  void a_retry_at_the_returned_time_is_granted_and_one_slot_earlier_is_not() throws Exception {
    AtomicIntegerArray byReason = new AtomicIntegerArray(REASONS);
    AtomicLong next = new AtomicLong(1);
    AtomicInteger checked = new AtomicInteger();
    AtOnce.run(() -> check(next, checked, byReason));
    for (int reason = 0; reason < byReason.length(); reason++) {
      assertTrue(
          reason == BUDGET || byReason.get(reason) > 0,
          "no state was refused for reason " + reason);
    }
  }

  private static void check(AtomicLong next, AtomicInteger checked, AtomicIntegerArray byReason) {
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      while (checked.get() < STATES) {
        checked.getAndAdd(new State(wire, next.getAndIncrement()).check(byReason));
      }
    }
  }

  /** A walk that follows up on every refusal, without the model. */
  private static final class State {
    private final ScriptConnection wire;
    private final long seed;
    private final RedisKeys names;
    private final PoolModel model = new PoolModel();
    private final Walk walk;

    State(ScriptConnection wire, long seed) {
      this.wire = wire;
      this.seed = seed;
      names = new RedisKeys("retry", "p" + seed);
      walk = new Walk(new SplittableRandom(seed), model);
    }

    int check(AtomicIntegerArray byReason) {
      int checked = 0;
      try {
        take(walk.configured());
        for (int n = 0; n < MOST_STEPS; n++) {
          Step step = walk.next();
          List<Object> reply = take(step);
          if (step instanceof Step.Acquire a
              && isAlone(a.endings(), a.wishes())
              && refused(reply)) {
            checked += follow(step, reply, byReason);
          } else if (step instanceof Step.AcquireIndexed a
              && isAlone(a.endings(), a.wishes())
              && refused(reply)) {
            checked += follow(step, reply, byReason);
          }
        }
      } finally {
        List<String> all = wire.names("retry:{p" + seed + "}:");
        wire.redis().del(all.stream().map(RedisKeys::bytes).toArray(byte[][]::new));
      }
      return checked;
    }

    private static boolean isAlone(List<Step.Cost> endings, List<Wish> wishes) {
      return endings.isEmpty() && wishes.size() == 1;
    }

    private static boolean refused(List<Object> reply) {
      return reply.size() > 2 && (Long) reply.get(2) == 0;
    }

    private int follow(Step step, List<Object> reply, AtomicIntegerArray byReason) {
      byReason.getAndIncrement(((Long) reply.get(4)).intValue());
      if ((Long) reply.get(4) == CONCURRENCY) {
        assertEquals(1_000_000L, reply.get(3), "a guess: leases end when they end");
      }
      long until = (Long) reply.get(1) + (Long) reply.get(3);
      if (busy((String) reply.get(5)) || isGuess(reply) || comes(until)) {
        return 0;
      }
      follow(step, (Long) reply.get(1), (Long) reply.get(3), (Long) reply.get(4));
      return 1;
    }

    /** So much output is to come that nobody knows the time. */
    private boolean isGuess(List<Object> reply) {
      return reply.get(3).equals(1_000_000L)
          && model.groups.values().stream().anyMatch(g -> g.coming > 0);
    }

    /** A lease that expires by then gives back what it still expects: that is other traffic. */
    private boolean comes(long until) {
      return model.held().anyMatch(l -> l.rest > 0 && l.deadline <= until);
    }

    /**
     * At its concurrency bound: the returned time is no promise, because the leases' end is
     * unknown.
     */
    private boolean busy(String key) {
      KeyModel k = model.key(key);
      return k.maxConcurrent > 0 && model.inFlightOfKey(key) >= k.maxConcurrent;
    }

    private List<Object> take(Step step) {
      Clock clock = walk.tick(step);
      List<Object> expected = step.apply(model, clock); // the walk reads much of the model
      List<Object> reply = call(step, clock);
      follow(expected, reply);
      walk.answered(step, reply);
      return reply;
    }

    /** The model applies the script's choice where several are right. */
    private static void follow(List<Object> expected, List<Object> reply) {
      int place = 0;
      for (Object part : expected) {
        if (part instanceof Later later && later.part().get().getFirst() instanceof Picked picked) {
          Object key = reply.get(place + 1);
          picked.fitting().stream()
              .filter(c -> c.key().id.equals(key))
              .findFirst()
              .ifPresent(picked.take());
        }
        place += ReplyCheck.places(part);
      }
    }

    private List<Object> call(Step step, Clock clock) {
      return wire.call(step, names, clock);
    }

    /** On a copy of the pool, which is then discarded. */
    private void follow(Step asked, long now, long wait, long reason) {
      if (wait >= PoolModel.FOREVER) {
        return;
      }
      // leases that expire meanwhile are other traffic, but only release concurrency
      String what = "seed " + seed + ", told " + wait + " for " + reason + ", " + asked;
      long slot = model.shape().slotMicros();
      boolean pacerOnly = reason != COOLDOWN && !onBorder(now + wait, slot);
      long early = reason == COOLDOWN || reason > BUDGET ? 1 : pacerOnly ? 1_000 : slot;
      Map<String, byte[]> before = new HashMap<>();
      for (String name : wire.names(names.base())) {
        before.put(name, wire.redis().dump(RedisKeys.bytes(name)));
      }
      if (wait > early) {
        assertEquals(0L, at(asked, now + wait - early).get(2), "early: " + what);
      }
      List<Object> then = at(asked, now + wait);
      assertTrue((Long) then.get(2) >= 1 || isGuess(then), what);
      for (String name : wire.names(names.base())) {
        wire.redis().del(RedisKeys.bytes(name));
      }
      before.forEach((name, dump) -> put(RedisKeys.bytes(name), dump));
    }

    private static boolean onBorder(long micros, long slot) {
      return micros % slot == 0;
    }

    private void put(byte[] name, byte[] dump) {
      wire.redis().restore(name, 600_000, dump);
    }

    /** At a time on the pool's clock: chooses the given clock so that the offset yields it. */
    private List<Object> at(Step asked, long poolMicros) {
      StoredPool stored = new StoredPool(wire.redis().hgetall(names.state));
      long offset = (long) stored.number("pool", StoredPool.OFFSET);
      return call(asked, Clock.known(poolMicros - offset, poolMicros));
    }
  }
}
