package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The table of settings in the documentation is made from the schema. */
class SettingsTableTest {
  private static final Path PAGE = Path.of("..", "docs", "configuration.md");
  private static final String BEGIN = "<!-- settings, made from the schema: begin -->\n";
  private static final String END = "<!-- settings: end -->\n";

  @Test
  void the_table_is_the_schemas() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertTrue(begin >= BEGIN.length() && end >= begin, "the page has lost its marks");
    String table = table();
    if (Boolean.getBoolean("docs.write")) {
      Files.writeString(PAGE, page.substring(0, begin) + table + page.substring(end));
      page = Files.readString(PAGE);
      end = page.indexOf(END);
    }
    assertEquals(table, page.substring(begin, end), "write it with -Ddocs.write=true");
  }

  private static String table() {
    StringBuilder table = new StringBuilder("\n| setting | allowed | default | meaning |\n");
    table.append("|---|---|---|---|\n");
    List<String> rows = new ArrayList<>();
    rows("", ConfigSchema.tree(), rows);
    rows.forEach(row -> table.append(row).append('\n'));
    return table.append('\n').toString();
  }

  private static void rows(String path, JsonNode node, List<String> rows) {
    node.path("properties")
        .properties()
        .forEach(
            each -> {
              String name = path.isEmpty() ? each.getKey() : path + "." + each.getKey();
              JsonNode setting = each.getValue();
              rows.add(row(name, setting));
              if (setting.has("items")) {
                rows(name + "[]", setting.get("items"), rows);
              } else if (setting.path("additionalProperties").isObject()) {
                rows(name + ".CLASS", setting.get("additionalProperties"), rows);
              } else if (setting.path("anyOf").path(1).has("properties")) {
                rows(name, setting.get("anyOf").get(1), rows);
              } else {
                rows(name, setting, rows);
              }
            });
  }

  private static String row(String name, JsonNode setting) {
    String fallback = setting.path("default").asText();
    return "| `%s` | %s | %s | %s |"
        .formatted(
            name,
            allowed(setting),
            fallback.isEmpty() ? "" : "`" + fallback + "`",
            setting.path("title").asText().replace("|", "\\|"));
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
      List<String> words = new ArrayList<>();
      own.get("enum").forEach(word -> words.add("`" + word.asText() + "`"));
      return String.join(", ", words);
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
