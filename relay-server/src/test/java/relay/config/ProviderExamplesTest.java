package relay.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each provider type has a valid example. */
final class ProviderExamplesTest {
  private static final Map<String, String> ENVIRONMENT =
      Map.ofEntries(
          Map.entry("ANTHROPIC_API_KEY", "hunter2"),
          Map.entry("OPENAI_API_KEY", "hunter2"),
          Map.entry("ZAI_API_KEY", "hunter2"),
          Map.entry("MINIMAX_API_KEY", "hunter2"),
          Map.entry("AZURE_OPENAI_API_KEY", "hunter2-a"),
          Map.entry("AZURE_CLIENT_SECRET", "hunter2-b"),
          Map.entry("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000001"),
          Map.entry("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000002"),
          Map.entry("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE00000001A"),
          Map.entry("AWS_SECRET_ACCESS_KEY", "hunter2"));

  @ParameterizedTest
  @EnumSource
  void every_type_has_a_valid_example(ProviderType type) throws IOException {
    Path file = Path.of("..", "deploy", "examples", type.name().toLowerCase(Locale.ROOT) + ".yaml");
    String serviceAccount = ServiceAccounts.file("https://oauth2.googleapis.com/token");
    Loaded loaded =
        ConfigFile.parse(
            file,
            Files.readString(file),
            ENVIRONMENT,
            (path, bytes) -> serviceAccount.getBytes(UTF_8));
    Loaded.Valid valid =
        assertInstanceOf(Loaded.Valid.class, loaded, () -> Given.lines(loaded).toString());
    assertEquals(type, valid.config().providers().getFirst().type());
  }
}
