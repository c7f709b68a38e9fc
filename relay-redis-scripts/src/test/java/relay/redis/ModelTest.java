package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import relay.redis.PoolModel.Clock;
import relay.redis.PoolModel.Later;
import relay.redis.PoolModel.Picked;
import relay.redis.PoolModel.Wait;

/**
 * Random interleavings of all scripts on a real Redis, each step compared with the model: the reply
 * and all that is stored. {@code -Drelay.seeds=N -Drelay.steps=M} makes more of them, {@code
 * -Drelay.seed=S} replays one.
 */
final class ModelTest {
  private static final int SEEDS = Integer.getInteger("relay.seeds", 200);
  private static final int STEPS = Integer.getInteger("relay.steps", 500);
  private static final int DEEP = 20;

  private static final int AT_ONCE = 4; // most of a step is waiting for Redis

  @Test
  void every_interleaving_gives_the_replies_and_the_state_of_the_model() throws Exception {
    long first = Long.getLong("relay.seed", 1);
    long last = Long.getLong("relay.seed", SEEDS);
    AtomicLong next = new AtomicLong(first);
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
      for (int n = 0; n < AT_ONCE; n++) {
        all.add(threads.submit(() -> walk(next, last)));
      }
    }
    for (Future<?> one : all) {
      one.get();
    }
  }

  private static void walk(AtomicLong next, long last) {
    try (Wire wire = new Wire(RedisUnderTest.url())) {
      for (long seed = next.getAndIncrement(); seed <= last; seed = next.getAndIncrement()) {
        new Run(wire, seed).walk();
      }
    }
  }

  private static final class Run {
    private final Wire wire;
    private final long seed;
    private final SplittableRandom random;
    private final RedisKeys names;
    private final PoolModel model = new PoolModel();
    private final Ledger ledger = new Ledger();
    private final Walk walk;

    Run(Wire wire, long seed) {
      this.wire = wire;
      this.seed = seed;
      random = new SplittableRandom(seed);
      names = new RedisKeys("model", "p" + seed);
      walk = new Walk(random, model);
    }

    void walk() {
      int n = 0;
      Step step = walk.configured();
      try {
        wire.redis().del(names.quarantine);
        take(step, true);
        for (n = 1; n <= STEPS; n++) {
          if (random.nextInt(200) == 0) {
            flush();
            step = walk.configuredAgain();
          } else {
            step = walk.next();
          }
          take(step, n % DEEP == 0);
        }
      } catch (AssertionError | RuntimeException e) {
        fail("-Drelay.seed=" + seed + " -Drelay.steps=" + n + ", " + step, e);
      } finally {
        flush();
      }
    }

    private void flush() {
      List<String> all = wire.names("model:{p" + seed + "}:");
      if (!all.isEmpty()) {
        wire.redis().del(all.stream().map(RedisKeys::bytes).toArray(byte[][]::new));
      }
      model.flushAll();
      ledger.forget();
      ledger.forgetLeases();
    }

    private void take(Step step, boolean deep) {
      Clock clock = walk.tick();
      if (step instanceof Step.Configure) {
        ledger.forget();
      }
      List<Object> expected = step.apply(model, clock);
      CompletableFuture<List<Object>> sent =
          wire.send(step.script(), step.keys(names), step.args(clock).toArray());
      var state = wire.async().hgetall(names.state).toCompletableFuture();
      List<Object> reply = Wire.readable(sent.join());
      compare(expected, reply);
      write(step, reply);
      StoredPool stored = new StoredPool(state.join());
      compare(stored);
      if (deep) {
        compareRing(stored);
      }
    }

    private void compare(List<?> expected, List<?> reply) {
      for (int i = 0; i < expected.size(); i++) {
        switch (expected.get(i)) {
          case Wait wait -> {
            long micros = (Long) reply.get(i);
            assertTrue(
                micros >= wait.micros() && micros <= wait.micros() + wait.fuzz(),
                "wait " + micros + ", exactly " + wait.micros() + " in " + reply);
            if (!wait.accepted().isEmpty()) {
              String why = reply.get(i + 1) + " " + reply.get(i + 2);
              assertTrue(wait.accepted().contains(why), why + " of " + wait.accepted());
            }
          }
          case Later later -> {
            int at = 2 + 5 * (i - 2);
            compare(later.part().get(), reply.subList(at, at + 5));
          }
          case Picked picked -> take(picked, reply);
          case List<?> row -> compare(row, (List<?>) reply.get(i));
          case Step.Any _ -> {}
          case Object value -> assertEquals(value, reply.get(i), "in " + reply);
        }
      }
    }

    private static void take(Picked picked, List<?> reply) {
      assertEquals(
          1L, reply.getFirst(), () -> "one of " + picked.fitting() + " fits, but " + reply);
      Choice taken =
          picked.fitting().stream()
              .filter(c -> c.key().id.equals(reply.get(1)) && c.group().id.equals(reply.get(2)))
              .findFirst()
              .orElseThrow(() -> new AssertionError(reply + " is none of " + picked.fitting()));
      assertEquals(List.of(taken.input(), taken.output()), reply.subList(3, 5));
      if (picked.fitting().stream().anyMatch(c -> c.group().id.equals(picked.favourite()))) {
        assertEquals(picked.favourite(), reply.get(2), "the conversation's account");
      }
      picked.take().accept(taken);
    }

    /** Into the ledger, which judges every grant. */
    private void write(Step step, List<Object> reply) {
      long code = (Long) reply.getFirst();
      if (code == 1 && reply.size() > 1 && reply.get(1) instanceof Long time) {
        walk.saw(time);
        switch (step) {
          case Step.Acquire a -> granted(a.wishes(), reply);
          case Step.AcquireIndexed a -> granted(a.wishes(), reply);
          case Step.Settle s -> {
            for (int n = 0; n < s.costs().size(); n++) {
              Step.Cost cost = s.costs().get(n);
              if ((Long) reply.get(2 + 3 * n) == 1) {
                ledger.ended(cost.id(), time, cost.requests(), cost.input(), cost.output());
              }
            }
          }
          case Step.Observe o -> ledger.forget();
          case Step.Charge c ->
              ledger.charged(c.group(), time, c.requests(), c.input(), c.output());
          case Step.Renew _,
              Step.Cooldown _,
              Step.Quarantine _,
              Step.Restore _,
              Step.Configure _,
              Step.Survey _ -> {}
        }
      }
    }

    private void granted(List<PoolModel.Wish> wishes, List<Object> reply) {
      for (int n = 0; n < wishes.size(); n++) {
        int at = 2 + 5 * n;
        String id = wishes.get(n).id();
        LeaseModel held = model.held(id);
        if (held != null && (Long) reply.get(at) == 1) {
          ledger.granted(
              id,
              model.group((String) reply.get(at + 2)),
              held.since,
              (Long) reply.get(at + 3),
              (Long) reply.get(at + 4),
              model.shape());
        }
      }
    }

    private void compare(StoredPool stored) {
      same(model.last(), stored.number("pool", StoredPool.LAST), "clock");
      assertEquals(model.turn(), stored.number("pool", StoredPool.TURN), "turn");
      same(model.expired(), stored.number("pool", StoredPool.EXPIRED), "expired");
      same(model.liveNames().size(), stored.number("pool", StoredPool.LIVE), "live");
      for (GroupModel g : model.groups.values()) {
        String field = "g:" + g.id;
        long recent = (long) stored.number(field, StoredPool.RECENT);
        for (int d = 0; d < 4; d++) {
          String what = g.id + " dimension " + d;
          if (d < 3) {
            double used = stored.number(field, StoredPool.USED + d + 1);
            same(g.used(d, recent), used, what + " used");
            assertTrue(used >= 0, what + " negative");
          }
          same(g.limits[d], stored.number(field, StoredPool.LIMIT + d + 1), what);
          assertEquals(g.debt(d), stored.number(field, StoredPool.LEVEL + d + 1), what + " debt");
          assertEquals(g.least(d), stored.number(field, StoredPool.LOW + d + 1), what + " least");
          assertEquals(g.longerLeast(d), stored.number(field, StoredPool.OLD_LOW + d + 1), what);
        }
        same(g.cooldownEnd, stored.number(field, StoredPool.COOL), g.id + " cooldown");
        assertEquals(g.shrunk, stored.number(field, StoredPool.SHRUNK), g.id + " shrunk");
        same(g.shrunkAt, stored.number(field, StoredPool.SHRUNK_AT), g.id + " shrunk at");
        same(g.refusals, stored.number(field, StoredPool.STRIKES), g.id + " refusals");
        same(model.inFlightOfGroup(g.id), stored.number(field, StoredPool.FLIGHT), g.id);
      }
      for (KeyModel k : model.keys.values()) {
        String field = "k:" + k.id;
        same(model.inFlightOfKey(k.id), stored.number(field, StoredPool.KEY_FLIGHT), k.id);
        same(k.cooldownEnd, stored.number(field, StoredPool.KEY_COOL), k.id);
        assertEquals(k.pass, stored.number(field, StoredPool.KEY_PASS), k.id + " pass");
        same(k.quarantine == null ? 0 : 1, stored.number(field, StoredPool.KEY_STOPPED), k.id);
      }
    }

    private static void same(long expected, double stored, String what) {
      assertEquals((double) expected, stored, what);
    }

    private void compareRing(StoredPool stored) {
      Map<byte[], byte[]> win = wire.redis().hgetall(names.win);
      for (String id : model.groups.keySet()) {
        for (int d = 1; d <= 3; d++) {
          double current = stored.number("g:" + id, StoredPool.CURRENT + d);
          assertEquals(
              stored.number("g:" + id, StoredPool.USED + d),
              current + StoredPool.closed(win, id, d),
              id + ": the sum of its slots");
          assertTrue(current >= 0, id + " negative");
        }
      }
      assertEquals(model.liveNames(), StoredPool.live(wire.redis().hgetall(names.leases)));
    }
  }
}
