package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    SettingsCatalog.all().forEach(setting -> table.append(row(setting)).append('\n'));
    return table.append('\n').toString();
  }

  private static String row(SettingsCatalog.Setting setting) {
    return "| `%s` | %s | %s | %s |"
        .formatted(
            setting.name(),
            setting.allowed(),
            setting.fallback().isEmpty() ? "" : "`" + setting.fallback() + "`",
            setting.meaning().replace("|", "\\|"));
  }
}
