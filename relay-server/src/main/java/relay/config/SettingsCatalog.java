package relay.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Every setting of the configuration, as the schema has it. */
public final class SettingsCatalog {
  private SettingsCatalog() {}

  /**
   * A setting.
   *
   * @param name its path: {@code []} for an element of a list, {@code CLASS} for the name of a
   *     model class
   * @param allowed its form and bounds; empty for a section
   * @param fallback the default; empty without one
   * @param meaning a phrase
   */
  public record Setting(String name, String allowed, String fallback, String meaning) {}

  /** All of them, in the schema's order: a section comes before its settings. */
  public static List<Setting> all() {
    List<Setting> settings = new ArrayList<>();
    add("", ConfigSchema.tree(), settings);
    return settings;
  }

  private static void add(String path, JsonNode node, List<Setting> settings) {
    node.path("properties")
        .properties()
        .forEach(
            each -> {
              String name = path.isEmpty() ? each.getKey() : path + "." + each.getKey();
              JsonNode setting = each.getValue();
              settings.add(
                  new Setting(
                      name,
                      allowed(setting),
                      setting.path("default").asText(),
                      setting.path("title").asText()));
              if (setting.has("items")) {
                add(name + "[]", setting.get("items"), settings);
              } else if (setting.path("additionalProperties").isObject()) {
                add(name + ".CLASS", setting.get("additionalProperties"), settings);
              } else if (setting.path("anyOf").path(1).has("properties")) {
                add(name, setting.get("anyOf").get(1), settings);
              } else {
                add(name, setting, settings);
              }
            });
  }

  private static String allowed(JsonNode setting) {
    if (setting.has("items")) {
      return "list";
    }
    if (setting.path("type").toString().contains("object")
        || setting.path("anyOf").path(1).has("properties")) {
      return setting.path("additionalProperties").isObject() ? "mapping" : "";
    }
    JsonNode own = setting.path("anyOf").path(0);
    if (own.has("enum")) {
      return StreamSupport.stream(own.get("enum").spliterator(), false)
          .map(word -> "`" + word.asText() + "`")
          .collect(Collectors.joining(", "));
    }
    if (own.has("const")) {
      return "`" + own.get("const").asText() + "`";
    }
    return switch (own.path("type").asText()) {
      case "integer" -> "%s to %s".formatted(own.get("minimum"), own.get("maximum"));
      case "number" ->
          own.has("exclusiveMinimum")
              ? "above 0, up to 1"
              : own.get("minimum")
                  + " to "
                  + ScalarSettings.shortest(own.get("maximum").asDouble());
      case "boolean" -> "`true`, `false`";
      default -> "text";
    };
  }
}
