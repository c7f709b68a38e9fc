package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/**
 * How requests are distributed over a pool of hundreds of keys, where the index offers a few at a
 * time.
 */
@Tag("slow")
final class LargePoolFairnessTest {
  private static final int KEYS = 400;
  private static final int FEW = 6;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void no_key_starves_when_all_can_serve(Strategy strategy) {
    Picks picks = new Picks(wire, strategy, keys(strategy), limits(1_000));
    picks.many(12 * KEYS);
    System.out.println("Fairness: " + picks.statistics());
    switch (strategy) {
      case ROUND_ROBIN -> assertTrue(picks.most() - picks.least() <= 1);
      case WEIGHTED, RANDOM -> assertTrue(picks.chiSquare() < Picks.critical(KEYS - 1));
      case LEAST_LOADED -> assertTrue(picks.least() > 0);
    }
  }

  /** That key would open last; a walk through the index ends long before it. */
  @Test
  void a_lease_that_ends_in_an_acquire_frees_capacity_for_it() {
    List<KeyPlan> keys = Picks.keys(20, 0, 1);
    Map<String, Limits> one = new HashMap<>();
    keys.forEach(key -> one.put(PoolPlan.group(key.account(), "model"), new Limits(1, 0, 0, 0)));
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, one);
    Picks.Pick last = new Picks.Pick("", "");
    for (int n = 0; n < keys.size(); n++) {
      picks.pass(1_000_000);
      last = picks.wish(1, null).getFirst();
      assertFalse(last.key().isEmpty());
    }
    assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    assertEquals(last.key(), picks.instead(last).key());
  }

  @Test
  void a_lease_end_in_one_class_frees_its_key_for_all_classes() {
    List<KeyPlan> keys = Picks.keys(20, 1, 1);
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, Map.of(), List.of("model", "other"));
    Picks.Pick one = picks.wish(20, null).getLast();
    assertFalse(picks.isGranted("other"));
    picks.end(one);
    assertTrue(picks.isGranted("other"));
  }

  /** More keys precede it than a denial checks. */
  @Test
  void a_restored_group_frees_its_keys() {
    List<KeyPlan> keys = new ArrayList<>();
    for (int n = 10; n < 34; n++) {
      keys.add(new KeyPlan("k" + n, n < 30 ? "first" : "last", 0, 1, 0));
    }
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, Map.of());
    picks.cooled(keys.getFirst());
    picks.cooled(keys.getLast());
    assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    picks.restored(keys.getLast());
    assertFalse(picks.wish(1, null).getFirst().key().isEmpty());
  }

  @Test
  void an_expired_lease_frees_its_key_at_once() {
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, Picks.keys(20, 1, 1), Map.of());
    picks.many(20);
    picks.pass(1_000 * Picks.LEASE_MS - 500_000);
    assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    picks.pass(700_000);
    assertFalse(picks.wish(1, null).getFirst().key().isEmpty());
  }

  @Test
  void a_larger_limit_applies_at_once() {
    List<KeyPlan> keys = Picks.keys(20, 0, 1);
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, Map.of());
    keys.forEach(key -> picks.stated(key, 1));
    picks.many(20);
    assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    picks.stated(keys.get(7), 1_000);
    assertEquals("k7", picks.wish(1, null).getFirst().key());
  }

  /** Alternating sizes: a key parked by one size may be able to carry another. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 40})
  void a_request_denied_by_the_index_fits_no_key(int sizes) {
    List<KeyPlan> keys = Picks.keys(20, 0, 1);
    Map<String, Limits> limits = new HashMap<>();
    keys.forEach(
        key -> limits.put(PoolPlan.group(key.account(), "model"), new Limits(0, 10_000, 2_000, 0)));
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, limits);
    Random random = new Random(sizes);
    int denied = 0;
    long size = 0;
    for (int n = 0; n < 4_000; n++) {
      picks.pass(random.nextLong(300_000));
      if (random.nextInt(6) == 0) { // some requests of one size follow one another
        size = 1 + random.nextLong(sizes);
      }
      long input = 4_000 * size / sizes;
      long output = 1_000 * (1 + sizes - size) / sizes;
      if (!picks.isGranted(input, output)) {
        denied++;
        assertFalse(picks.isGrantedByAny(input, output), "after " + n);
      }
    }
    assertTrue(denied > 1_000, denied + " denied");
  }

  private static List<KeyPlan> keys(Strategy strategy) {
    return strategy == Strategy.WEIGHTED ? Picks.keys(KEYS, 0, 1, 2, 3, 4) : Picks.keys(KEYS, 0, 1);
  }

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void no_key_starves_at_saturation(Strategy strategy) {
    Picks picks = new Picks(wire, strategy, keys(strategy), limits(FEW));
    long granted = 0;
    for (int second = 0; second < 120; second++) {
      picks.pass(1_000_000);
      if (second == 60) {
        picks.forget();
        granted = 0;
      }
      boolean all = true;
      for (int call = 0; call < 10 && all; call++) { // 160 a second, of 40 that fit
        List<Picks.Pick> got = picks.wish(Picks.TOGETHER, null);
        all = got.stream().noneMatch(pick -> pick.key().isEmpty());
        granted += got.stream().filter(pick -> !pick.key().isEmpty()).count();
      }
    }
    System.out.printf(
        "Fairness: %s, %d keys at saturation: %d to %d of %d a key, %.1f %% of all%n",
        strategy, KEYS, picks.least(), picks.most(), FEW, 100.0 * granted / FEW / KEYS);
    assertTrue(picks.least() >= FEW - 1, picks.statistics());
  }

  @Test
  void a_key_that_was_unusable_takes_its_turns_again() {
    Map<String, Limits> limits = new HashMap<>(limits(1_000));
    limits.put("a0/model", new Limits(2, 0, 0, 0));
    Picks picks = new Picks(wire, Strategy.ROUND_ROBIN, Picks.keys(30, 0, 1), limits);
    picks.many(30 * 4);
    assertEquals(2, picks.counts().get("k0"));
    picks.pass(70_000_000);
    picks.forget();
    picks.many(30 * 2);
    assertEquals(2, picks.least(), picks.statistics());
  }

  @Test
  void a_lower_tier_serves_only_requests_that_the_higher_cannot() {
    List<KeyPlan> keys = new ArrayList<>();
    for (int n = 0; n < 100; n++) {
      keys.add(new KeyPlan("k" + n, "a" + n, n % 2, 1, 4));
    }
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, keys, Map.of());
    picks.many(200);
    assertEquals(4, picks.most());
    assertEquals(200, sum(picks, 1));
    picks.many(200);
    assertEquals(200, sum(picks, 0));
    assertEquals(Set.of(""), Set.copyOf(picks.many(3)));
  }

  @Test
  void a_key_without_weight_serves_only_when_no_other_can() {
    Picks picks = new Picks(wire, Strategy.WEIGHTED, Picks.keys(100, 4, 0, 1), Map.of());
    picks.many(200);
    assertEquals(200, sum(picks, 1));
    picks.many(200);
    assertEquals(200, sum(picks, 0));
  }

  private static long sum(Picks picks, int tier) {
    long sum = 0;
    for (int n = tier; n < 100; n += 2) {
      sum += picks.counts().getOrDefault("k" + n, 0L);
    }
    return sum;
  }

  private static Map<String, Limits> limits(long requests) {
    Map<String, Limits> limits = new HashMap<>();
    for (int n = 0; n < KEYS; n++) {
      limits.put("a" + n + "/model", new Limits(requests, 0, 0, 0));
    }
    return limits;
  }
}
