package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Hostile or broken files use bounded resources and yield a fault. */
@Tag("slow")
final class BoundsTest {

  @Test
  void deep_nesting_is_refused() {
    int depth = 100_000;
    assertEquals(
        List.of(
            "relay.yaml:1:1: yaml: the YAML is nested too deeply or has too many aliases;"
                + " allowed: at most 50 levels and 10000 aliases"),
        Given.faults("a: " + "[".repeat(depth) + "]".repeat(depth)));
    assertEquals(1, Given.faults("{a: ".repeat(depth)).size());
    assertEquals(1, Given.faults("- ".repeat(depth)).size());
  }

  @Test
  void exploding_aliases_are_refused() {
    StringBuilder bomb = new StringBuilder("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int level = 1; level < 20; level++) {
      bomb.append("l%d: &l%d [".formatted(level, level));
      bomb.append("*l%d, ".formatted(level - 1).repeat(10)).append("]\n");
    }
    List<String> faults = Given.faults(bomb.toString());
    assertEquals(1, faults.size());
    assertTrue(
        faults
            .getFirst()
            .endsWith("yaml: too many values after expanding aliases; allowed: at most 1000000"),
        faults::toString);
  }

  @Test
  void a_file_that_is_too_long_is_refused_before_it_is_parsed() {
    byte[] large = new byte[YamlSource.MAX_CHARS + 2];
    Loaded loaded =
        ConfigFile.load(
            Path.of("relay.yaml"), Map.of(), (path, maxBytes) -> Arrays.copyOf(large, maxBytes));
    assertEquals(
        List.of("relay.yaml:1:1: file: is too long; allowed: at most 8388608 bytes"),
        Given.lines(loaded));
  }

  @Test
  void the_number_of_faults_is_bounded_and_the_rest_is_counted() {
    StringBuilder yaml = new StringBuilder(Given.PROVIDERS);
    for (int i = 0; i < Faults.MAX_FAULTS + 7; i++) {
      yaml.append("unknown_").append(i).append(": 1\n");
    }
    List<String> faults = Given.faults(yaml.toString());
    assertEquals(Faults.MAX_FAULTS + 1, faults.size());
    assertTrue(faults.getLast().endsWith("and 7 more faults; fix the listed faults first"));
  }

  @Test
  void a_pool_has_at_most_ten_thousand_keys() {
    Config config = Given.valid(keys(10_000));
    assertEquals(10_000, config.providers().getFirst().groups().size());
    assertEquals(
        List.of("relay.yaml:5:5: providers[0].keys: has too many entries; allowed: 10000 at most"),
        Given.faults(keys(10_001)));
  }

  @Test
  void a_pattern_with_many_stars_matches_in_bounded_time() {
    ModelPattern pattern = new ModelPattern("*a".repeat(100) + "b");
    assertEquals(false, pattern.matches("a".repeat(10_000)));
  }

  @Test
  void a_very_long_value_is_a_fault() {
    String dots = "a.".repeat(100_000);
    for (String setting : List.of("listen", "drain_ms", "enable_http2", "auth", "admin_token")) {
      String yaml = "server: {" + setting + ": \"" + dots + "\"}\n" + Given.PROVIDERS;
      assertEquals(1, Given.faults(yaml).size(), setting);
    }
    assertEquals(
        1, Given.faults("redis: {url: 'redis://" + dots + "'}\n" + Given.PROVIDERS).size());
    String digits = "9".repeat(100_000);
    assertEquals(1, Given.faults("server: {drain_ms: " + digits + "}\n" + Given.PROVIDERS).size());
  }

  private static String keys(int count) {
    StringBuilder yaml =
        new StringBuilder("providers:\n  - name: a\n    type: openai\n    keys:\n");
    for (int i = 0; i < count; i++) {
      yaml.append("    - {key: secret-").append(i).append(", id: k").append(i);
      yaml.append(", rpm_limit: 50, itpm_limit: 30000, otpm_limit: 8000}\n");
    }
    return yaml.toString();
  }
}
