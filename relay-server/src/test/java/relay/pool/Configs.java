package relay.pool;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.FileReader;
import relay.config.Loaded;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;

/** Configurations for tests, parsed from YAML. */
public final class Configs {
  /** Two accounts, a key that shares a quota, a model class, a mapped model. */
  public static final String POOLS =
      """
      providers:
        - name: anthropic
          type: anthropic
          models: [claude-opus-4-6, claude-sonnet-4-5]
          model_mapping: { claude-fast: claude-haiku-4-5 }
          pooling: { strategy: round_robin, window_ms: 30000, burst_ratio: 0.5 }
          model_classes: [{ name: opus, models: ["claude-opus-*"] }]
          keys:
            - { key: secret-1, id: acme-1, account: acme, rpm_limit: 50, itpm_limit: 30000, otpm_limit: 8000,
                priority: 2, weight: 3, max_concurrent: 4, limits: { opus: { rpm_limit: 5 } } }
            - { key: secret-2, id: acme-2, account: acme }
            - { key: secret-3, id: solo, tpm_limit: 1000 }
        - name: openai
          type: openai
          keys: [{ key: secret-4, id: o-1 }]
        - name: spare
          type: openai
          enabled: false
          keys: [{ key: secret-5, id: spare-1 }]
      """;

  private Configs() {}

  /** A replica with a long Redis timeout, for busy machines. */
  public static EngineOptions replica(Config config, String redisUrl, String id) {
    return new EngineOptions(
        redisUrl,
        config.redis().prefix(),
        id,
        Duration.ofSeconds(20),
        Fallback.FAIR_SHARE,
        EngineOptions.DEFAULT_LEASE);
  }

  public static Config of(String yaml) {
    return switch (ConfigFile.parse(Path.of("relay.yaml"), yaml, Map.of(), FileReader.DISK)) {
      case Loaded.Valid(Config config) -> config;
      case Loaded.Invalid(List<ConfigFault> faults) -> fail("unexpected faults: " + faults);
    };
  }
}
