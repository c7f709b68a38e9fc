package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class EnvironmentConfigTest {
  private static Config config(Map<String, String> environment) {
    EnvironmentConfig found = EnvironmentConfig.of(environment).orElseThrow();
    Loaded loaded =
        ConfigFile.parse(Path.of("x"), found.text(), found.environment(), FileReader.DISK);
    return assertInstanceOf(Loaded.Valid.class, loaded, loaded::toString).config();
  }

  @Test
  void each_variable_is_a_provider_named_as_its_type() {
    Config config =
        config(
            Map.of(
                "ANTHROPIC_API_KEY", "one, two,,three ",
                "OPENAI_API_KEY", "four",
                "ZAI_API_KEY", "five",
                "MINIMAX_API_KEY", "six"));
    assertEquals(
        List.of("anthropic", "openai", "zai", "minimax"),
        config.providers().stream().map(ProviderConfig::name).toList());
    List<KeyConfig> keys = config.providers().getFirst().keys();
    assertEquals(
        List.of("anthropic-1", "anthropic-2", "anthropic-3"),
        keys.stream().map(KeyConfig::id).toList());
    assertEquals(new Credential.ApiKey(new Secret("three")), keys.getLast().credential());
  }

  @Test
  void it_serves_this_machine_only_with_an_embedded_redis() {
    Config config = config(Map.of("OPENAI_API_KEY", "a \"quoted\" ${one}"));
    assertTrue(config.server().listen().isLoopback());
    assertTrue(config.server().adminListen().isLoopback());
    assertEquals(Optional.empty(), Optional.ofNullable(config.redis().url()));
    assertEquals(
        new Credential.ApiKey(new Secret("a \"quoted\" ${one}")),
        config.providers().getFirst().keys().getFirst().credential());
  }

  @Test
  void without_a_key_there_is_none() {
    assertEquals(Optional.empty(), EnvironmentConfig.of(Map.of()));
    assertEquals(Optional.empty(), EnvironmentConfig.of(Map.of("ANTHROPIC_API_KEY", " , ")));
  }

  @Test
  void a_secret_is_in_no_text() {
    EnvironmentConfig found =
        EnvironmentConfig.of(Map.of("ANTHROPIC_API_KEY", "hunter2")).orElseThrow();
    assertFalse(found.text().contains("hunter2"), found.text());
    assertEquals(Map.of("ANTHROPIC_API_KEY", 1), found.keys());
  }
}
