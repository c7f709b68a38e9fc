package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import relay.guards.Allocation;

/** What a reload shows of a difference, and what the hash is made of. */
class ConfigOutlineTest {
  private static final int CLIENTS = 50;
  private static final double MOST_BYTES = 12_000;
  private static final String BASE =
      """
      server:
        auth: { clients: [ { name: a, key: client-a, rpm_limit: 5 }, { name: b, key: client-b } ] }
      providers:
        - name: one
          type: anthropic
          model_classes: []
          model_mapping: { x: y }
          keys: [ { id: k-1, key: secret-1, account: acme, rpm_limit: 50 }, { id: k-2, key: secret-2 } ]
        - { name: two, type: openai, keys: [ { id: k-3, key: secret-3 } ] }
      """;

  private static ConfigOutline outline(String yaml) {
    return ConfigOutline.of(Given.valid(yaml));
  }

  /** The difference when one text of the base is replaced. */
  private static List<String> changes(String from, String to) {
    String next = BASE.replace(from, to);
    assertNotEquals(BASE, next);
    assertNotEquals(outline(BASE).hash(), outline(next).hash(), from);
    return outline(BASE).changesTo(outline(next));
  }

  /** A reload outlines all clients, and there may be 10,000. */
  @Test
  void a_client_costs_an_outline_little() {
    String clients =
        IntStream.range(0, CLIENTS)
            .mapToObj(n -> "{ name: c%d, key: client-c-%d, rpm_limit: 5 }".formatted(n, n))
            .collect(Collectors.joining(", "));
    Config config = Given.valid(BASE.replace("clients: [", "clients: [ " + clients + ","));
    double bytes = Allocation.bytesPerCall(() -> ConfigOutline.of(config)) / CLIENTS;
    assertTrue(bytes < MOST_BYTES, "bytes a client: " + bytes);
  }

  @Test
  void equal_files_have_no_difference_and_one_hash() {
    assertEquals(List.of(), outline(BASE).changesTo(outline(BASE)));
    assertEquals(outline(BASE).hash(), outline(BASE).hash());
    assertTrue(outline(BASE).hash().matches("[0-9a-f]{12}"));
  }

  @Test
  void a_difference_names_the_setting_and_both_values() {
    assertEquals(
        List.of("providers[one].groups[acme/default].rpm_limit: 50 -> 60"),
        changes("rpm_limit: 50", "rpm_limit: 60"));
    assertEquals(
        List.of("server.auth.clients[a].rpm_limit: 5 -> 6"),
        changes("rpm_limit: 5 }", "rpm_limit: 6 }"));
    assertEquals(
        List.of("providers[one].model_mapping[x]: y -> z"), changes("{ x: y }", "{ x: z }"));
  }

  @Test
  void what_comes_and_goes_is_one_line() {
    assertEquals(
        List.of("providers[two]: removed"),
        changes("  - { name: two, type: openai, keys: [ { id: k-3, key: secret-3 } ] }\n", ""));
    assertEquals(
        List.of("server.auth.clients[b]: removed", "server.auth.clients[c]: added"),
        changes("name: b", "name: c"));
  }

  @Test
  void no_secret_shows() {
    for (String secret : List.of("secret-1", "client-a")) {
      List<String> changes = changes(secret, secret + "x");
      assertEquals(1, changes.size(), changes.toString());
      assertTrue(changes.getFirst().endsWith(".key: changed"), changes.toString());
      assertFalse(changes.toString().contains(secret));
    }
  }

  @Test
  void the_order_of_providers_counts_and_that_of_keys_does_not() {
    String swapped =
        BASE.replace("name: one", "name: zero")
            .replace("name: two", "name: one")
            .replace("name: zero", "name: two");
    assertTrue(
        outline(BASE).changesTo(outline(swapped)).stream()
            .anyMatch(line -> line.startsWith("providers: order [one, two] -> [two, one]")));
    String keys =
        BASE.replace("{ id: k-2, key: secret-2 } ]", "]")
            .replace("keys: [ { id: k-1", "keys: [ { id: k-2, key: secret-2 }, { id: k-1")
            .replace("rpm_limit: 50 }, ]", "rpm_limit: 50 } ]");
    assertEquals(List.of(), outline(BASE).changesTo(outline(keys)));
    assertEquals(outline(BASE).hash(), outline(keys).hash());
  }

  @Test
  void replicas_that_differ_in_their_addresses_have_one_hash() {
    String elsewhere =
        BASE.replace("server:", "server:\n  listen: 127.0.0.1:1\n  admin_listen: 127.0.0.1:2");
    assertEquals(outline(BASE).hash(), outline(elsewhere).hash());
    assertEquals(
        Set.of("server.listen", "server.admin_listen"),
        Set.copyOf(outline(BASE).pathsOfChangesTo(outline(elsewhere))));
  }
}
