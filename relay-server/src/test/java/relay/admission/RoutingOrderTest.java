package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import relay.config.ProviderConfig;
import relay.config.RoutingConfig;
import relay.pool.Configs;

/** The order in which providers are tried. */
class RoutingOrderTest {
  private static final List<ProviderConfig> ABC =
      Configs.of(
              """
              providers:
                - { name: a, type: openai, models: [m], keys: [{ key: k1, weight: 1 }] }
                - { name: b, type: openai, keys: [{ key: k2, weight: 2 }, { key: k3, weight: 3 }] }
                - { name: c, type: openai, models: [m], keys: [{ key: k4, weight: 4 }] }
              """)
          .providers();

  private static RoutingOrder order(String routing) {
    return order(routing, Map.of());
  }

  private static RoutingOrder order(String routing, Map<String, Double> loads) {
    RoutingConfig config =
        Configs.of(
                "providers: [{name: a, type: openai, keys: [{key: x}]},"
                    + " {name: b, type: openai, keys: [{key: x}]},"
                    + " {name: c, type: openai, keys: [{key: x}]}]\nrouting: "
                    + routing
                    + "\n")
            .routing();
    return new RoutingOrder(
        config, (provider, model) -> loads.getOrDefault(provider.name(), 0.0), new Random(7));
  }

  private static String names(RoutingOrder order, String model) {
    return names(order, ABC, model);
  }

  private static String names(RoutingOrder order, List<ProviderConfig> able, String model) {
    StringBuilder names = new StringBuilder();
    order.of(able, model).forEach(provider -> names.append(provider.name()));
    return names.toString();
  }

  private static List<String> firsts(RoutingOrder order, int times) {
    List<String> firsts = new ArrayList<>();
    for (int n = 0; n < times; n++) {
      firsts.add(names(order, "m").substring(0, 1));
    }
    return firsts;
  }

  @Test
  void failover_keeps_the_order_of_the_file_behind_the_default_provider() {
    assertEquals("abc", names(order("{}"), "m"));
    assertEquals("cab", names(order("{default_provider: c}"), "m"));
  }

  @Test
  void round_robin_gives_each_its_turn_and_the_others_follow_in_turn() {
    RoutingOrder order = order("{strategy: round_robin}");
    assertEquals("abc", names(order, "m"));
    assertEquals("bca", names(order, "m"));
    assertEquals("cab", names(order, "m"));
    assertEquals("abc", names(order, "m"));
  }

  @Test
  void each_set_of_providers_has_turns_of_its_own() {
    RoutingOrder order = order("{strategy: round_robin}");
    List<ProviderConfig> two = ABC.subList(0, 2);
    for (int n = 0; n < 4; n++) {
      assertEquals(n % 2 == 0 ? "ab" : "ba", names(order, two, "m"));
      names(order, "m"); // must not advance the rotation of the two
    }
  }

  @Test
  void weighted_round_robin_keeps_the_weights_of_the_keys_exactly_and_spreads_them() {
    RoutingOrder order = order("{strategy: weighted_round_robin}");
    List<String> firsts = firsts(order, 100);
    assertEquals(10, Collections.frequency(firsts, "a"));
    assertEquals(50, Collections.frequency(firsts, "b"));
    assertEquals(40, Collections.frequency(firsts, "c"));
    for (int n = 0; n + 3 <= firsts.size(); n++) {
      assertTrue(firsts.subList(n, n + 3).stream().distinct().count() > 1, firsts.toString());
    }
    assertEquals(3, names(order, "m").length());
  }

  @Test
  void shuffle_gives_every_order_about_equally_often() {
    RoutingOrder order = order("{strategy: shuffle}");
    List<String> orders = new ArrayList<>();
    for (int n = 0; n < 6_000; n++) {
      orders.add(names(order, "m"));
    }
    for (String each : List.of("abc", "acb", "bac", "bca", "cab", "cba")) {
      int times = Collections.frequency(orders, each);
      assertTrue(times > 850 && times < 1_150, each + " came " + times + " times");
    }
  }

  @Test
  void least_loaded_sorts_by_load_and_equals_by_the_file() {
    assertEquals(
        "bca", names(order("{strategy: least_loaded}", Map.of("a", 0.9, "b", 0.1, "c", 0.5)), "m"));
    assertEquals("abc", names(order("{strategy: least_loaded}"), "m"));
  }

  @Test
  void model_based_takes_the_longest_prefix() {
    RoutingOrder order =
        order("{strategy: model_based, model_mapping: {m: a, mm: c, mmm: b}, default_provider: b}");
    assertEquals("ac", names(order, "m")); // c names the model, b serves any model
    assertEquals("c", names(order, "mm-1"));
    assertEquals("b", names(order, "mmmm"));
    assertEquals("b", names(order, "other"));
    assertEquals("bac", names(order("{strategy: model_based, default_provider: b}"), "m"));
  }

  @Test
  void model_based_without_a_target_that_can_serve_keeps_the_order_of_the_file() {
    assertEquals("abc", names(order("{strategy: model_based}"), "m"));
    assertEquals(
        "bc",
        names(order("{strategy: model_based, model_mapping: {m: a}}"), ABC.subList(1, 3), "m"));
  }
}
