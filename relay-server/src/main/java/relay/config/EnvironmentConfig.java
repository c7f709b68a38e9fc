package relay.config;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The configuration of a machine that has provider keys in its environment and no file: a provider
 * for each type, with the embedded Redis and without client credentials, so on loopback only.
 *
 * @param text the file that one would write
 * @param environment the variables that the text names, besides the process's
 * @param keys how many keys each variable had
 */
public record EnvironmentConfig(
    String text, Map<String, String> environment, Map<String, Integer> keys) {
  private static final List<KnownKey> KNOWN =
      List.of(
          new KnownKey("ANTHROPIC_API_KEY", "anthropic", "claude"),
          new KnownKey("OPENAI_API_KEY", "openai", "gpt", "chatgpt", "codex", "o1", "o3", "o4"),
          new KnownKey("ZAI_API_KEY", "zai", "glm"),
          new KnownKey("MINIMAX_API_KEY", "minimax", "MiniMax"));

  /**
   * @param models how the names of its provider's models begin
   */
  private record KnownKey(String variable, String type, List<String> models) {
    KnownKey(String variable, String type, String... models) {
      this(variable, type, List.of(models));
    }
  }

  public EnvironmentConfig {
    environment = Map.copyOf(environment);
  }

  /** The variables that are looked at. */
  public static List<String> variables() {
    return KNOWN.stream().map(KnownKey::variable).toList();
  }

  /** Empty if no variable has a key. Several keys of one variable stand between commas. */
  public static Optional<EnvironmentConfig> of(Map<String, String> environment) {
    Map<String, String> all = new HashMap<>(environment);
    Map<String, Integer> counts = new LinkedHashMap<>();
    StringBuilder providers = new StringBuilder("providers:\n");
    StringBuilder models = new StringBuilder();
    for (KnownKey known : KNOWN) {
      List<String> keys = split(environment.getOrDefault(known.variable(), ""));
      if (keys.isEmpty()) {
        continue;
      }
      counts.put(known.variable(), keys.size());
      providers.append("  - name: %1$s\n    type: %1$s\n    keys:\n".formatted(known.type()));
      for (int n = 1; n <= keys.size(); n++) {
        String name = known.variable() + "_" + n;
        all.put(name, keys.get(n - 1));
        providers.append(
            "      - { key: \"${%s}\", id: %s-%d }\n".formatted(name, known.type(), n));
      }
      for (String prefix : known.models()) {
        models.append("    %s: %s\n".formatted(prefix, known.type()));
      }
    }
    if (counts.isEmpty()) {
      return Optional.empty();
    }
    String routing =
        counts.size() == 1 ? "" : "routing:\n  strategy: model_based\n  model_mapping:\n" + models;
    return Optional.of(new EnvironmentConfig(providers + routing, all, counts));
  }

  private static List<String> split(String value) {
    List<String> keys = new ArrayList<>();
    for (String part : value.split(",", -1)) {
      if (!part.isBlank()) {
        keys.add(part.strip());
      }
    }
    return keys;
  }
}
