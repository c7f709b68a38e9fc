package relay.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;

/** A file for each section of the schema, with a gap for settings; a provider's for each type. */
final class SectionFiles {
  private static final String KEYS = "keys: [{key: k}]";

  private static final Map<String, List<String>> FILES = new LinkedHashMap<>();

  static {
    FILES.put("", List.of("%s\nproviders: [{name: p, type: ollama}]\n"));
    file("/server", "server: {%s}\n" + Given.PROVIDERS);
    file("/server/tls", "server: {tls: {%s}}\n" + Given.PROVIDERS);
    file("/server/auth", "server: {auth: {%s}}\n" + Given.PROVIDERS);
    file("/server/auth/clients[]", "server: {auth: {clients: [{%s}]}}\n" + Given.PROVIDERS);
    file("/redis", "redis: {%s}\n" + Given.PROVIDERS);
    List<String> providers = new ArrayList<>();
    List<String> keys = new ArrayList<>();
    for (ProviderType type : ProviderType.values()) {
      String word = type.name().toLowerCase(java.util.Locale.ROOT);
      providers.add("providers: [{name: p, type: " + word + ", " + KEYS + ", %s}]\n");
      keys.add("providers: [{name: p, type: " + word + ", keys: [{%s}]}]\n");
    }
    FILES.put("/providers[]", providers);
    FILES.put("/providers[]/keys[]", keys);
    file("/providers[]/tls", provider("tls: {%s}, " + KEYS));
    file("/providers[]/pooling", provider("pooling: {%s}, " + KEYS));
    file("/providers[]/pooling/headroom", provider("pooling: {headroom: {%s}}, " + KEYS));
    file("/providers[]/pooling/day", provider("pooling: {day: {%s}}, " + KEYS));
    file("/providers[]/model_classes[]", provider("model_classes: [{%s}], " + KEYS));
    file(
        "/providers[]/model_classes[]/weights",
        provider("model_classes: [{name: a, models: [a], weights: {%s}}], " + KEYS));
    file("/providers[]/workspaces[]", provider("workspaces: [{%s}], " + KEYS));
    file(
        "/providers[]/workspaces[]/limits{}",
        provider(
            "model_classes: [{name: a, models: [a]}], workspaces: [{name: w, limits: {a: {%s}}}], "
                + KEYS));
    file(
        "/providers[]/keys[]/limits{}",
        provider("model_classes: [{name: a, models: [a]}], keys: [{key: k, limits: {a: {%s}}}]"));
    file("/redis/tls", "redis: {url: \"rediss://h\", tls: {%s}}\n" + Given.PROVIDERS);
    file("/routing", "routing: {%s}\n" + Given.PROVIDERS);
    file("/logging", "logging: {%s}\n" + Given.PROVIDERS);
    FILES.put(
        "/server/auth/clients[]/budget[]",
        List.of(
            budget("per: day, tokens: 5, %s"),
            budget("per: day, usd: 5, %s"),
            budget("usd: 5, %s"),
            budget("per: day, %s")));
    FILES.put(
        "/prices[]",
        List.of(
            "prices: [{model: a, input: 1, output: 1, %s}]\n" + Given.PROVIDERS,
            "prices: [{%s}]\n" + Given.PROVIDERS));
  }

  private static String budget(String settings) {
    return "server: {auth: {clients: [{name: c, key: k, budget: [{"
        + settings
        + "}]}]}}\n"
        + Given.PROVIDERS;
  }

  private static void file(String section, String yaml) {
    FILES.put(section, List.of(yaml));
  }

  private static String provider(String settings) {
    return "providers: [{name: p, type: anthropic, " + settings + "}]\n";
  }

  private SectionFiles() {}

  static Set<String> sections() {
    return FILES.keySet();
  }

  static List<String> of(String section) {
    return Objects.requireNonNull(FILES.get(section));
  }

  static void forEach(BiConsumer<String, List<String>> each) {
    FILES.forEach(each);
  }
}
