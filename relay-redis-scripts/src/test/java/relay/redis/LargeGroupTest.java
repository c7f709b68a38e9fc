package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** Accounts of many keys, which are one member of a large pool's index. */
@Tag("slow")
final class LargeGroupTest {
  private static final Limits PLENTY = new Limits(1_000_000, 0, 0, 0);

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** Keys of accounts with these numbers of keys. */
  private static List<KeyPlan> accounts(int maxConcurrent, int... sizes) {
    List<KeyPlan> keys = new ArrayList<>();
    for (int account = 0; account < sizes.length; account++) {
      for (int n = 0; n < sizes[account]; n++) {
        keys.add(new KeyPlan("k" + keys.size(), "a" + account, 0, 1, maxConcurrent));
      }
    }
    return keys;
  }

  private Picks picks(Strategy strategy, List<KeyPlan> keys, Limits limits) {
    Map<String, Limits> all = new HashMap<>();
    keys.forEach(key -> all.put(PoolPlan.group(key.account(), "model"), limits));
    return new Picks(wire, strategy, keys, all);
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "LEAST_LOADED")
  void keys_are_picked_alike_whatever_the_size_of_their_account(Strategy strategy) {
    List<KeyPlan> keys = accounts(0, 1, 2, 97, 5, 40, 1, 1, 53);
    Picks picks = picks(strategy, keys, PLENTY);
    picks.many(8 * keys.size());
    switch (strategy) {
      case ROUND_ROBIN, WEIGHTED ->
          assertTrue(picks.most() - picks.least() <= 1, picks.statistics());
      case RANDOM ->
          assertTrue(picks.chiSquare() < Picks.critical(keys.size() - 1), picks.statistics());
      case LEAST_LOADED -> throw new AssertionError();
    }
  }

  @Test
  void accounts_are_used_alike_by_the_least_loaded() {
    List<KeyPlan> keys = accounts(0, 50, 50, 50);
    Picks picks = picks(Strategy.LEAST_LOADED, keys, PLENTY);
    picks.many(300);
    Map<String, Long> sums = new HashMap<>();
    keys.forEach(k -> sums.merge(k.account(), picks.counts().getOrDefault(k.id(), 0L), Long::sum));
    sums.values().forEach(sum -> assertTrue(sum >= 90, sums.toString()));
  }

  @ParameterizedTest
  @EnumSource
  void each_key_carries_as_many_as_it_may_at_a_time(Strategy strategy) {
    List<KeyPlan> keys = accounts(2, 30, 3, 20);
    Picks picks = picks(strategy, keys, PLENTY);
    List<Picks.Pick> held = new ArrayList<>();
    for (int n = 0; n < 2 * keys.size(); n++) {
      held.addAll(picks.wish(1, null));
    }
    assertEquals(2, picks.least(), picks.statistics());
    assertEquals(2, picks.most(), picks.statistics());
    assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    for (int n : List.of(7, 70, 105)) {
      picks.end(held.get(n));
      assertEquals(held.get(n).key(), picks.wish(1, null).getFirst().key());
    }
  }

  @ParameterizedTest
  @EnumSource
  void only_keys_in_use_are_picked(Strategy strategy) {
    List<KeyPlan> keys = accounts(0, 300, 200);
    Picks picks = picks(strategy, keys, PLENTY);
    picks.many(40);
    picks.quarantined(keys.subList(1, 350));
    keys.subList(351, 500).forEach(picks::cooledAlone);
    picks.forget();
    assertEquals(Set.of("k0", "k350"), new HashSet<>(picks.many(200)));
    picks.restoredAlone(keys.get(100));
    picks.restoredAlone(keys.get(400));
    Set<String> used = new HashSet<>(picks.many(200));
    assertTrue(used.containsAll(Set.of("k100", "k400")), used.toString());
    picks.pass(61_000_000);
    picks.forget();
    picks.many(3_000);
    assertTrue(picks.counts().getOrDefault("k499", 0L) > 0, picks.statistics());
    assertEquals(0, picks.counts().get("k1"));
  }

  @Test
  void an_account_that_opens_again_serves_with_all_keys() {
    List<KeyPlan> keys = accounts(0, 60, 60);
    Picks picks = picks(Strategy.ROUND_ROBIN, keys, new Limits(240, 0, 0, 0));
    List<Picks.Pick> all = picks.wish(1, null);
    while (!all.getFirst().key().isEmpty()) {
      all = picks.wish(1, null);
    }
    picks.pass(70_000_000);
    picks.forget();
    assertFalse(picks.many(120).contains(""));
    assertEquals(1, picks.least(), picks.statistics());
    assertEquals(1, picks.most(), picks.statistics());
  }

  @Test
  void an_account_whose_keys_have_all_cooled_down_takes_its_turn_again() {
    List<KeyPlan> keys = accounts(0, 60, 1);
    Picks picks = picks(Strategy.ROUND_ROBIN, keys, PLENTY);
    picks.many(2 * keys.size());
    keys.subList(0, 60).forEach(picks::cooledAlone);
    assertEquals(Set.of("k60"), new HashSet<>(picks.many(20)));
    picks.pass(61_000_000);
    picks.forget();
    picks.many(4 * keys.size());
    assertTrue(picks.least() > 0, picks.statistics());
  }

  @Test
  void an_account_without_usable_keys_serves_again_once_one_is_restored() {
    List<KeyPlan> keys = accounts(0, 60, 1);
    Picks picks = picks(Strategy.ROUND_ROBIN, keys, PLENTY);
    picks.quarantined(keys.subList(0, 60));
    assertEquals(Set.of("k60"), new HashSet<>(picks.many(20)));
    picks.restoredAlone(keys.get(3));
    assertEquals(Set.of("k3", "k60"), new HashSet<>(picks.many(20)));
  }
}
