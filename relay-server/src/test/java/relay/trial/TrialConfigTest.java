package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.config.ProviderConfig;

class TrialConfigTest {

  @Test
  void a_replica_reads_what_the_trial_writes(@TempDir Path directory) throws IOException {
    TrialPlan plan = TrialPlan.standard();
    String yaml =
        TrialConfig.yaml(
            plan,
            18787,
            19091,
            TrialConfig.oneClient("client-key"),
            "redis://127.0.0.1:16379",
            "http://127.0.0.1:18080");
    Path file = Files.writeString(directory.resolve("relay.yaml"), yaml);
    Loaded loaded = ConfigFile.load(file, Map.of());
    ProviderConfig provider =
        assertInstanceOf(Loaded.Valid.class, loaded, loaded::toString)
            .config()
            .providers()
            .getFirst();
    assertEquals(TrialPlan.POOL, provider.name());
    assertEquals(plan.window(), provider.pooling().window());
    assertEquals(4, provider.keys().size());
    assertEquals(4, provider.groups().size());
  }

  @Test
  void a_replica_reads_what_the_trial_of_agents_writes(@TempDir Path directory) throws IOException {
    String url = "http://127.0.0.1:18080";
    String yaml =
        AgentsPlan.standard().yaml(18787, 19091, "client-key", "redis://127.0.0.1:16379", url, url);
    Path file = Files.writeString(directory.resolve("relay.yaml"), yaml);
    Loaded loaded = ConfigFile.load(file, Map.of());
    List<ProviderConfig> providers =
        assertInstanceOf(Loaded.Valid.class, loaded, loaded::toString).config().providers();
    assertEquals(
        AgentsPlan.pools().stream().map(AgentsPlan.Pool::name).toList(),
        providers.stream().map(ProviderConfig::name).toList());
    assertEquals(
        AgentsPlan.pools().stream().map(AgentsPlan.Pool::accounting).toList(),
        providers.stream()
            .map(provider -> provider.pooling().accounting().name().toLowerCase(Locale.ROOT))
            .toList());
  }
}
