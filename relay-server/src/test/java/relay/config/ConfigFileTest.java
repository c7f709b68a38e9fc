package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigFileTest {
  private static final Path HERE = Path.of("");

  @TempDir Path directory = HERE;

  @Test
  void the_file_is_searched_in_the_working_then_user_then_system_directory() {
    assertEquals(
        List.of(
            Path.of("relay.yaml"),
            Path.of("/xdg/relay/relay.yaml"),
            Path.of("/etc/relay/relay.yaml")),
        ConfigFile.candidates(HERE, Map.of("XDG_CONFIG_HOME", "/xdg", "HOME", "/home/me")));
    assertEquals(
        List.of(
            Path.of("/srv/relay.yaml"),
            Path.of("/home/me/.config/relay/relay.yaml"),
            Path.of("/etc/relay/relay.yaml")),
        ConfigFile.candidates(
            Path.of("/srv"), Map.of("XDG_CONFIG_HOME", "relative", "HOME", "/home/me")));
    assertEquals(
        List.of(Path.of("relay.yaml"), Path.of("/etc/relay/relay.yaml")),
        ConfigFile.candidates(HERE, Map.of()));
  }

  @Test
  void the_first_file_that_exists_is_used() {
    Map<String, String> environment = Map.of("XDG_CONFIG_HOME", "/xdg");
    assertEquals(
        Optional.of(Path.of("/xdg/relay/relay.yaml")),
        ConfigFile.find(HERE, environment, path -> path.isAbsolute()));
    assertEquals(Optional.empty(), ConfigFile.find(HERE, environment, path -> false));
  }

  @Test
  void a_relative_secret_file_is_resolved_against_the_configs_directory() throws IOException {
    Files.writeString(directory.resolve("key.txt"), "from-file\n");
    Path file =
        Files.writeString(
            directory.resolve("relay.yaml"),
            "providers: [{name: a, type: openai, keys: [{key: '${file:key.txt}'}]}]");
    Loaded.Valid loaded = assertInstanceOf(Loaded.Valid.class, ConfigFile.load(file, Map.of()));
    assertEquals(
        new Credential.ApiKey(new Secret("from-file")),
        loaded.config().providers().getFirst().keys().getFirst().credential());
  }

  @Test
  void a_file_that_cannot_be_read_is_a_fault() throws IOException {
    Path none = directory.resolve("none.yaml");
    assertEquals(
        List.of(none + ":1:1: file: does not exist; name a readable file with --config FILE"),
        Given.lines(ConfigFile.load(none, Map.of())));
    assertEquals(
        List.of(directory + ":1:1: file: cannot be read; name a readable file with --config FILE"),
        Given.lines(ConfigFile.load(directory, Map.of())));
    Path binary = Files.write(directory.resolve("binary.yaml"), new byte[] {(byte) 0xff});
    assertEquals(
        List.of(binary + ":1:1: file: is not UTF-8; save it as UTF-8"),
        Given.lines(ConfigFile.load(binary, Map.of())));
  }

  @Test
  void settings_of_litellm_and_a_bare_key_are_told_what_to_write() {
    String yaml = "model_list: []\nproviders: [{name: a, type: anthropic, keys: [\"${A1}\"]}]\n";
    assertEquals(
        List.of(
            "relay.yaml:1:1: model_list: is not a known setting; it is a setting of LiteLLM:"
                + " docs/how-to.md has its counterpart (From LiteLLM)",
            "relay.yaml:2:47: providers[0].keys[0]: is a single value, which is not allowed here;"
                + " give each key as `key: \"${NAME}\"`"),
        Given.faults(yaml));
  }

  @Test
  void every_fault_is_told_in_file_order() {
    String yaml = "loging: {}\nserver: {drain_ms: -1}\n" + Given.PROVIDERS + "redis: {url: 1}\n";
    assertEquals(
        List.of(
            "relay.yaml:1:1: loging: is not a known setting; did you mean logging?",
            "relay.yaml:2:20: server.drain_ms: is negative;"
                + " allowed: a whole number from 0 to 86400000, or 30s",
            "relay.yaml:4:14: redis.url: is not a Redis URL; allowed: " + RedisUrl.FORMS),
        Given.faults(yaml));
  }
}
