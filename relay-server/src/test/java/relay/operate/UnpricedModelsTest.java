package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import relay.memory.MemoryBudget;
import relay.pool.Configs;

final class UnpricedModelsTest {
  private static final String PROVIDERS =
      """
      prices: [{ model: small, input: 1, output: 1 }]
      providers:
        - { name: a, type: ollama, model_mapping: { fast: small, small: small } }
        - { name: any, type: ollama }
        - { name: mapped, type: ollama, model_mapping: { fast: small } }
        - { name: other-dialect, type: anthropic, keys: [{ key: k }] }
        - { name: few, type: ollama, models: [small] }
      """;

  private static List<String> warnings(String client) {
    String server = "server: { auth: { clients: [{ name: c, key: k, %s }] } }\n".formatted(client);
    return ConfigWarnings.of(
        Configs.of(server + PROVIDERS), MemoryBudget.ofHeap(Runtime.getRuntime().maxMemory()));
  }

  @Test
  void a_provider_of_any_model_may_get_one_that_another_maps_to_a_priced_name() {
    List<String> warnings = warnings("budget: [{ usd: 1, per: day }]");
    assertEquals(1, warnings.size(), warnings.toString());
    assertTrue(
        warnings
            .getFirst()
            .startsWith("provider any takes any model, and prices has none of fast:"),
        warnings.getFirst());
  }

  @Test
  void it_is_no_matter_to_clients_that_do_not_use_it_there_or_count_no_dollars() {
    assertEquals(List.of(), warnings("budget: [{ tokens: 1, per: day }]"));
    assertEquals(List.of(), warnings("models: [small], budget: [{ usd: 1, per: day }]"));
    assertEquals(List.of(), warnings("providers: [a, few], budget: [{ usd: 1, per: day }]"));
  }
}
