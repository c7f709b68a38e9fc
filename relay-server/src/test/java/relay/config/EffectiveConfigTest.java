package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What {@code relay config show} prints. */
final class EffectiveConfigTest {
  private static final Path FILE = Path.of("relay.yaml");
  private static final String TEXT =
      """
      server:
        idle_timeout_ms: 90s
      providers:
        - name: anthropic
          type: anthropic
          models: [claude-a, claude-b]
          keys:
            - key: ${FIRST_KEY}
              id: acme-1
              rpm_limit: 50
              weight: ${WEIGHT:-3}
      """;

  private final Map<String, EffectiveConfig.Setting> settings = settings();

  private static Map<String, EffectiveConfig.Setting> settings() {
    Map<String, String> environment = Map.of("FIRST_KEY", "sk-ant-secret-of-the-first-key");
    Loaded loaded = ConfigFile.parse(FILE, TEXT, environment, FileReader.DISK);
    Config config = assertInstanceOf(Loaded.Valid.class, loaded, loaded.toString()).config();
    return EffectiveConfig.of(FILE, TEXT, config).stream()
        .collect(Collectors.toMap(EffectiveConfig.Setting::path, setting -> setting));
  }

  private void is(String path, String value, String origin) {
    assertEquals(new EffectiveConfig.Setting(path, value, origin), settings.get(path));
  }

  @Test
  void a_stated_setting_names_its_line_and_the_variables_in_it() {
    is("server.idle_timeout_ms", "90000", "relay.yaml:2");
    is("providers[anthropic].type", "anthropic", "relay.yaml:5");
    is("providers[anthropic].models", "[claude-a, claude-b]", "relay.yaml:6");
    is("providers[anthropic].keys[acme-1].id", "acme-1", "relay.yaml:9");
    is("providers[anthropic].keys[acme-1].weight", "3", "relay.yaml:11, ${WEIGHT}");
  }

  @Test
  void the_others_are_defaults() {
    is("redis.timeout_ms", "100", "default");
    is("providers[anthropic].keys[acme-1].priority", "1", "default");
  }

  @Test
  void what_follows_from_other_settings_says_so() {
    is("providers[anthropic].groups[acme-1/claude-a].rpm_limit", "50", "the limits of its keys");
    is("providers[anthropic].base_url", "https://api.anthropic.com", "what is known of its API");
  }

  @Test
  void no_secret_is_shown() {
    is("providers[anthropic].keys[acme-1].key", "(a secret)", "relay.yaml:8, ${FIRST_KEY}");
    assertFalse(settings.toString().contains("sk-ant"));
  }
}
