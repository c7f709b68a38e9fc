package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

  private static final Path SOURCES = Path.of("src/main/java/relay/config");

  /** Each quoted word in these files is the name of a setting, or one of {@link #VALUES}. */
  private static final List<String> READERS =
      List.of(
          "RootSection.java",
          "ServerSection.java",
          "TlsSection.java",
          "RedisSection.java",
          "ProviderSection.java",
          "CloudSection.java",
          "CredentialSection.java",
          "PoolKeys.java",
          "LimitsConfig.java",
          "RoutingSection.java",
          "ScalarSettings.java");

  private static final Set<String> VALUES =
      Set.of(
          "default", "eu", "false", "global", "http", "https", "local", "none", "number", "relay",
          "us");

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
    ConfigCheck.Report report = ConfigCheck.check(EXAMPLE, ENVIRONMENT);
    assertEquals(List.of(EXAMPLE + ": ok: 4 providers, 5 keys, 5 quota groups"), report.lines());
    assertEquals(0, report.exitCode());
  }

  @Test
  void the_example_names_every_setting() throws IOException {
    Set<String> inExample = found("[a-z_0-9]+(?=:( |$))", Files.readString(EXAMPLE));
    Set<String> missing = new TreeSet<>();
    for (String reader : READERS) {
      missing.addAll(
          found("(?<=\")[a-z][a-z_0-9]*(?=\")", Files.readString(SOURCES.resolve(reader))));
    }
    assertTrue(missing.containsAll(Set.of("server", "api_key", "tpm_limit")), "wrong sources");
    missing.removeAll(inExample);
    missing.removeAll(VALUES);
    assertEquals(Set.of(), missing, "deploy/relay.yaml lacks settings");
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
