package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ReferencesTest {

  @ParameterizedTest
  @CsvSource({
    "${SET}, hunter2",
    "x${SET}y${SET}z, xhunter2yhunter2z",
    "${NOT_SET:-other}, other",
    "${EMPTY:-other}, other",
    "${SET:-other}, hunter2",
    "${NOT_SET:-a:-b}, a:-b",
    "$$SET, $SET",
    "$${SET}, ${SET}",
    "a$$$$b, a$$b",
    "${file:/secrets/unix}, hunter2",
    "${file:/secrets/windows}, hunter2",
  })
  void a_reference_is_replaced_by_its_value(String raw, String value) {
    assertEquals(value, key("'" + raw + "'", Given.ENVIRONMENT));
    assertEquals(value, key("\"" + raw + "\"", Given.ENVIRONMENT));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x, id: y}, {key: z",
        "x # no comment",
        "*alias",
        "&anchor !tag",
        "a: b",
        "- a",
        "{[\"'|>%@`",
        "${SET}",
        "$$",
        "~",
        "true",
        "0x10",
        "\\n"
      })
  void a_secret_with_yaml_or_reference_syntax_stays_text(String secret) {
    assertEquals(secret, key("${TRICKY}", Map.of("TRICKY", secret)));
    assertEquals(secret, key("\"${TRICKY}\"", Map.of("TRICKY", secret)));
  }

  @Test
  void references_work_for_numbers_flags_choices_and_addresses() {
    Config config =
        Given.valid(
            """
            server: {listen: "127.0.0.1:${PORT}", drain_ms: "${NUMBER}", enable_http2: "${FLAG}"}
            redis: {url: "redis://:${PASSWORD}@redis", timeout_ms: "${file:/secrets/number}"}
            providers:
              - {name: a, type: "${TYPE}", pooling: {burst_ratio: "${RATIO}"}, keys: [{key: x}]}
            logging: {level: "${NOT_SET:-debug}"}
            """,
            Map.of(
                "PORT", "80",
                "NUMBER", "7",
                "FLAG", "true",
                "PASSWORD", "p@ss:/w#rd%",
                "TYPE", "ollama",
                "RATIO", "0.25"));
    assertEquals(80, config.server().listen().port());
    assertEquals(7, config.server().drain().toMillis());
    assertTrue(config.server().enableHttp2());
    assertEquals(
        new RedisUrl(
            false,
            List.of(new RedisUrl.Server("redis", 6379)),
            null,
            0,
            null,
            new Secret("p@ss:/w#rd%")),
        config.redis().url());
    assertEquals(42, config.redis().timeout().toMillis());
    assertEquals(ProviderType.OLLAMA, config.providers().getFirst().type());
    assertEquals(0.25, config.providers().getFirst().pooling().burstRatio());
    assertEquals(LoggingConfig.Level.DEBUG, config.logging().level());
  }

  @Test
  void names_of_settings_are_not_resolved() {
    assertEquals(
        List.of(
            "relay.yaml:1:1: file: is not a known setting;"
                + " allowed: server, redis, providers, routing, prices, logging"),
        Given.faults("${SET}: 1\n" + Given.PROVIDERS));
  }

  @Test
  void no_secret_shows_in_a_message() {
    String yaml =
        """
        server:
          listen: ${SET}
          admin_token: ${SET}
          drain_ms: ${SET}
          enable_http2: ${SET}
          auth: {api_key: "${SET}", clients: [{name: "${SET} ", key_sha256: "${SET}", providers: ["${SET}"]}]}
        redis: {url: "redis://:${SET}@ho st", prefix: "{${SET}", on_unavailable: "${SET}"}
        providers:
          - name: "${SET}}"
            type: ${SET}
            base_url: ftp://${SET}
            models: ["*${SET}"]
            model_mapping: {a: "* ${SET}"}
            pooling: {strategy: "${SET}", burst_ratio: "${SET}", window_ms: "${NEGATIVE}"}
            keys: [{key: "${CONTROL}"}, {key: "${SPACE}", id: "/${SET}", rpm_limit: "${SET}"}]
        logging: {level: "${SET}", format: "${CONTROL}"}
        """;
    List<String> faults = Given.faults(yaml);
    assertTrue(faults.size() > 20, () -> "too few faults: " + faults);
    assertFalse(String.join("\n", faults).contains("hunter2"), () -> "a secret in " + faults);
    assertFalse(String.join("\n", faults).contains("4711"), () -> "a secret in " + faults);
  }

  @Test
  void no_secret_shows_when_a_config_is_printed() {
    Config config =
        Given.valid(
            """
            server: {admin_token: "${SET}", auth: {api_key: "${SET}", clients: [{name: a, key: hunter2b}]}}
            redis: {url: "redis://user:${SET}@host"}
            providers: [{name: a, type: openai, keys: [{key: "${SET}"}]}]
            """);
    String printed = config.toString() + new Loaded.Valid(config);
    assertFalse(printed.contains("hunter2"), printed);
    String hash = HexFormat.of().formatHex(KeyHash.of("hunter2").bytes());
    assertFalse(printed.contains(hash), printed);
  }

  private static String key(String yaml, Map<String, String> environment) {
    String file = "providers: \n- name: a\n  type: openai\n  keys:\n  - key: " + yaml;
    List<KeyConfig> keys = Given.valid(file, environment).providers().getFirst().keys();
    assertEquals(1, keys.size());
    return assertInstanceOf(Credential.ApiKey.class, keys.getFirst().credential())
        .secret()
        .reveal();
  }
}
