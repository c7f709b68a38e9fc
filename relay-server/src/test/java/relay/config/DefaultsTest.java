package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import relay.config.LoggingConfig.Format;
import relay.config.LoggingConfig.Level;
import relay.config.ProviderConfig.Accounting;
import relay.config.ProviderConfig.Affinity;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.Pooling;
import relay.config.ProviderConfig.QuotaGroup;
import relay.config.ProviderConfig.Strategy;
import relay.config.RedisConfig.OnUnavailable;
import relay.config.ServerConfig.Auth;
import relay.model.Dialect;

final class DefaultsTest {

  @Test
  void absent_settings_have_the_documented_defaults() {
    Secret secret = new Secret("provider-key");
    String id = secret.hash().id();
    KnownApi api = KnownApis.all().getFirst();
    assertEquals("anthropic", api.name());
    assertEquals(
        new Config(
            new ServerConfig(
                new ListenAddress("127.0.0.1", 8787),
                new ListenAddress("127.0.0.1", 9091),
                null,
                null,
                false,
                33_554_432,
                33_554_432,
                0,
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                Duration.ofSeconds(30),
                new Auth.Open()),
            new RedisConfig(
                null,
                false,
                "relay",
                null,
                null,
                null,
                Duration.ofMillis(100),
                OnUnavailable.FAIR_SHARE,
                0,
                null),
            List.of(
                new ProviderConfig(
                    "anthropic",
                    ProviderType.ANTHROPIC,
                    new Cloud.None(),
                    true,
                    URI.create("https://api.anthropic.com"),
                    api,
                    ProviderConfig.Accounts.CONFIG,
                    ProviderAccess.DEFAULT,
                    List.of(),
                    Map.of(),
                    3,
                    false,
                    ClientHeaders.NONE,
                    new Pooling(
                        Strategy.LEAST_LOADED,
                        Affinity.SESSION,
                        Duration.ZERO,
                        Duration.ofMinutes(1),
                        Accounting.AUTO,
                        1.0,
                        true,
                        0,
                        0,
                        0.02,
                        null),
                    api.lines(),
                    true,
                    List.of(new KeyConfig(new Credential.ApiKey(secret), id, id, 1, 1, 0)),
                    Stream.concat(api.lines().stream().map(ModelClass::name), Stream.of("default"))
                        .map(name -> new QuotaGroup(id, name, LimitsConfig.UNKNOWN))
                        .toList())),
            new RoutingConfig(RoutingConfig.Strategy.FAILOVER, Map.of(), null),
            List.of(),
            new LoggingConfig(Level.INFO, Format.AUTO, true, 1)),
        Given.valid(Given.PROVIDERS));
  }

  @Test
  void empty_sections_equal_absent_ones() {
    assertEquals(
        Given.valid(Given.PROVIDERS),
        Given.valid("server:\nredis: {}\nrouting:\nlogging:\n" + Given.PROVIDERS));
  }

  @Test
  void an_empty_reference_disables_an_optional_setting() {
    assertEquals(
        Given.valid(Given.PROVIDERS),
        Given.valid(
            "server: {admin_token: '${EMPTY}'}\nredis: {url: '${NOT_SET:-}'}\n" + Given.PROVIDERS));
  }

  @Test
  void the_id_of_a_key_is_the_start_of_its_hash() {
    String yaml = "providers: [{name: a, type: openai, keys: [{key: abc}]}]";
    assertEquals("ba7816bf", Given.valid(yaml).providers().getFirst().keys().getFirst().id());
  }

  @Test
  void every_type_has_a_dialect_and_a_base_url() {
    assertEquals(
        List.of(
            "ANTHROPIC ANTHROPIC https://api.anthropic.com",
            "OPENAI OPENAI https://api.openai.com",
            "ZAI ANTHROPIC https://api.z.ai/api/anthropic",
            "MINIMAX ANTHROPIC https://api.minimax.io/anthropic",
            "OLLAMA OPENAI http://localhost:11434",
            "AZURE OPENAI null",
            "BEDROCK ANTHROPIC null",
            "VERTEX ANTHROPIC null"),
        List.of(ProviderType.values()).stream()
            .map(type -> type + " " + dialect(type) + " " + type.defaultBaseUrl())
            .toList());
  }

  private static Dialect dialect(ProviderType type) {
    return type.dialect();
  }
}
