package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.Picks.Pick;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.Strategy;

/**
 * How the scripts distribute requests over keys, on a real Redis. All keys of these pools are
 * compared.
 */
@Tag("slow")
final class FairnessTest {
  private static final int PICKS = 100_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private Picks unlimited(Strategy strategy, List<KeyPlan> keys) {
    return new Picks(wire, strategy, keys, Map.of());
  }

  @Test
  void round_robin_is_equal_within_one_after_every_pick() {
    Picks picks = unlimited(Strategy.ROUND_ROBIN, Picks.keys(7, 0, 1));
    Map<String, Integer> got = new HashMap<>();
    for (String key : picks.many(10_003)) {
      got.merge(key, 1, Integer::sum);
      int most = got.values().stream().mapToInt(Integer::intValue).max().orElse(0);
      int least =
          got.size() < 7 ? 0 : got.values().stream().mapToInt(Integer::intValue).min().orElse(0);
      assertTrue(most - least <= 1, got.toString());
    }
    System.out.println("Fairness: " + picks.statistics());
  }

  @Test
  void weighted_follows_the_weights() {
    Picks picks = unlimited(Strategy.WEIGHTED, Picks.keys(6, 0, 1, 2, 3, 5, 8, 13));
    picks.many(PICKS);
    System.out.println("Fairness: " + picks.statistics());
    assertTrue(picks.chiSquare() < Picks.critical(5), picks.counts().toString());
  }

  @Test
  void a_key_without_weight_serves_only_when_no_other_can() {
    Picks picks = unlimited(Strategy.WEIGHTED, Picks.keys(3, 16, 1, 1, 0));
    assertEquals(Set.of("k0", "k1"), Set.copyOf(picks.many(32)));
    assertEquals(Set.of("k2"), Set.copyOf(picks.many(16)));
  }

  @Test
  void random_is_uniform_and_unordered() {
    Picks picks = unlimited(Strategy.RANDOM, Picks.keys(8, 0, 1));
    List<String> all = picks.many(PICKS / 2);
    System.out.println("Fairness: " + picks.statistics());
    assertTrue(picks.chiSquare() < Picks.critical(7), picks.counts().toString());
    Map<String, Long> pairs = new TreeMap<>();
    for (int n = 0; n + 1 < all.size(); n += 2) {
      pairs.merge(all.get(n) + " " + all.get(n + 1), 1L, Long::sum);
    }
    double expected = PICKS / 4.0 / 64;
    double sum =
        pairs.values().stream().mapToDouble(c -> (c - expected) * (c - expected) / expected).sum();
    System.out.printf("Fairness: RANDOM, pairs: chi-square %.1f%n", sum);
    assertEquals(64, pairs.size());
    assertTrue(sum < Picks.critical(63), pairs.toString());
  }

  @Test
  void least_loaded_fills_accounts_of_any_size_alike() {
    long[] sizes = {600, 900, 1_200, 2_000, 3_000};
    Map<String, Limits> limits = new HashMap<>();
    for (int n = 0; n < sizes.length; n++) {
      limits.put("a" + n + "/model", new Limits(sizes[n], 0, 0, 0));
    }
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, Picks.keys(5, 0, 1), limits);
    saturate(picks, 60, 600); // the initial burst is used up
    picks.forget();
    saturate(picks, 120, 600);
    double least = 1;
    double most = 0;
    for (int n = 0; n < sizes.length; n++) {
      double used = picks.counts().getOrDefault("k" + n, 0L) / (2.0 * sizes[n]);
      least = Math.min(least, used);
      most = Math.max(most, used);
    }
    System.out.printf(
        "Fairness: LEAST_LOADED, saturated: %.2f %% to %.2f %% used%n", 100 * least, 100 * most);
    assertTrue(most - least <= 0.02, picks.counts().toString());
  }

  /**
   * Requests spread evenly over some seconds. The leases stay live, without a bound on their
   * number.
   */
  private static void saturate(Picks picks, int seconds, int callsAMinute) {
    for (int call = 0; call < seconds * callsAMinute / 60; call++) {
      picks.pass(60_000_000 / callsAMinute);
      picks.wish(Picks.TOGETHER * 2, null);
    }
  }

  @Test
  void least_loaded_does_not_herd() {
    Picks picks = unlimited(Strategy.LEAST_LOADED, Picks.keys(5, 40, 1));
    picks.many(100);
    assertEquals(20, picks.least());
    assertEquals(20, picks.most());
  }

  @Test
  void a_lower_tier_serves_only_requests_that_the_higher_cannot() {
    for (Strategy strategy : Strategy.values()) {
      List<KeyPlan> keys = new ArrayList<>();
      for (int n = 0; n < 6; n++) {
        keys.add(new KeyPlan("k" + n, "a" + n, n / 2, 1, 8));
      }
      Picks picks = unlimited(strategy, keys);
      List<Pick> high = picks.wish(16, null);
      assertEquals(Set.of("k4", "k5"), keysOf(high), strategy.toString());
      assertEquals(Set.of("k2", "k3"), keysOf(picks.wish(16, null)), strategy.toString());
      picks.end(high.getFirst());
      assertEquals(high.getFirst().key(), picks.wish(1, null).getFirst().key());
      assertEquals(Set.of("k0", "k1"), keysOf(picks.wish(16, null)), strategy.toString());
      assertEquals(Set.of(""), keysOf(picks.wish(2, null)), strategy.toString());
    }
  }

  @Test
  void a_conversation_keeps_its_account_while_it_has_capacity() {
    for (Strategy strategy : Strategy.values()) {
      for (int count : new int[] {5, 40}) { // all compared, and by the index
        String what = strategy + ", " + count + " keys";
        Picks picks = unlimited(strategy, Picks.keys(count, 50, 1));
        Pick first = picks.wish(1, "talk").getFirst();
        List<Pick> its = new ArrayList<>(List.of(first));
        for (int turn = 0; turn < 20; turn++) {
          picks.wish(3, null);
          picks.pass(1_000_000);
          Pick pick = picks.wish(1, "talk").getFirst();
          assertEquals(first.key(), pick.key(), what);
          its.add(pick);
        }
        while (its.getLast().key().equals(first.key())) {
          its.add(picks.wish(1, "talk").getFirst());
          assertTrue(its.size() <= 51, what);
        }
        String moved = its.getLast().key();
        assertNotEquals("", moved, what);
        its.stream().filter(p -> p.key().equals(first.key())).forEach(picks::end);
        assertEquals(moved, picks.wish(1, "talk").getFirst().key(), what + ": it has moved");
      }
    }
  }

  private static Set<String> keysOf(List<Pick> picks) {
    return picks.stream().map(Pick::key).collect(Collectors.toSet());
  }
}
