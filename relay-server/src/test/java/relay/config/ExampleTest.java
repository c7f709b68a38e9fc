package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The example that users start from is valid and complete. */
final class ExampleTest {
  static final Path EXAMPLE = Path.of("..", "deploy", "relay.yaml");

  /** What it needs, and no more. */
  static final Map<String, String> ENVIRONMENT =
      Map.of(
          "RELAY_API_KEY", "hunter2-a",
          "TEAM_A_KEY", "hunter2-b",
          "ANTHROPIC_API_KEY_1", "hunter2-c",
          "ANTHROPIC_API_KEY_2", "hunter2-d",
          "AZURE_OPENAI_API_KEY", "hunter2-e",
          "AWS_SECRET_ACCESS_KEY", "hunter2-f",
          "AWS_ACCESS_KEY_ID", "AKIAEXAMPLE00000001A");

  @Test
  void the_example_is_valid() {
    Loaded loaded = ConfigFile.load(EXAMPLE, ENVIRONMENT);
    List<ProviderConfig> providers =
        assertInstanceOf(Loaded.Valid.class, loaded, loaded::toString).config().providers();
    assertEquals(4, providers.size());
    assertEquals(5, providers.stream().mapToInt(one -> one.keys().size()).sum());
  }

  @Test
  void the_example_names_every_setting() throws IOException {
    Set<String> inExample = found("[a-z_0-9]+(?=:( |$))", Files.readString(EXAMPLE));
    Set<String> missing = new TreeSet<>();
    collect(ConfigSchema.tree(), missing);
    assertTrue(missing.containsAll(Set.of("server", "api_key", "tpm_limit")), "wrong schema");
    missing.removeAll(inExample);
    assertEquals(Set.of(), missing, "deploy/relay.yaml lacks settings");
  }

  private static void collect(JsonNode schema, Set<String> names) {
    schema.path("properties").fieldNames().forEachRemaining(names::add);
    schema.forEach(part -> collect(part, names));
  }

  private static Set<String> found(String regex, String text) {
    Set<String> all = new TreeSet<>();
    Matcher matcher = Pattern.compile("(?m)" + regex).matcher(text);
    while (matcher.find()) {
      all.add(matcher.group());
    }
    return all;
  }
}
