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

/** The shipped example is valid and complete. */
final class ExampleTest {
  static final Path EXAMPLE = Path.of("..", "deploy", "relay.yaml");

  /** The variables that the example needs. */
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
    Set<String> inExample = new TreeSet<>();
    Matcher names = Pattern.compile("(?m)[a-z_0-9]+(?=:( |$))").matcher(Files.readString(EXAMPLE));
    while (names.find()) {
      inExample.add(names.group());
    }
    Set<String> settings =
        Set.of(
            "server",
            "listen",
            "admin_listen",
            "admin_token",
            "enable_http2",
            "max_body_bytes",
            "max_concurrent",
            "connect_timeout_ms",
            "idle_timeout_ms",
            "drain_ms",
            "auth",
            "api_key",
            "clients",
            "name",
            "key",
            "key_sha256",
            "models",
            "providers",
            "redis",
            "url",
            "prefix",
            "timeout_ms",
            "on_unavailable",
            "cluster",
            "type",
            "enabled",
            "base_url",
            "model_mapping",
            "max_attempts",
            "region",
            "project",
            "api_version",
            "login_url",
            "token_scope",
            "tenant_id",
            "client_id",
            "access_key_id",
            "session_token",
            "pooling",
            "strategy",
            "affinity",
            "max_wait_ms",
            "window_ms",
            "accounting",
            "burst_ratio",
            "model_classes",
            "keys",
            "id",
            "account",
            "priority",
            "weight",
            "rpm_limit",
            "itpm_limit",
            "otpm_limit",
            "tpm_limit",
            "limits",
            "routing",
            "default_provider",
            "logging",
            "level",
            "format");
    assertTrue(inExample.containsAll(settings), () -> "missing: " + missing(settings, inExample));
  }

  private static Set<String> missing(Set<String> settings, Set<String> inExample) {
    Set<String> missing = new TreeSet<>(settings);
    missing.removeAll(inExample);
    return missing;
  }
}
