package relay.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.Documents;

/** The configurations that the pages show are valid, and the faults that they show are real. */
final class DocumentedConfigTest {
  private static final HeldCertificate TLS = new HeldCertificate.Builder().build();
  private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Z_0-9]+)");
  private static final Path PROVIDERS_PAGE = Documents.ROOT.resolve("docs/providers.md");
  private static final Path CONFIGURATION_PAGE = Documents.ROOT.resolve("docs/configuration.md");

  static Stream<Arguments> examples() throws IOException {
    return Documents.pages().stream()
        .flatMap(
            page -> Documents.blocks(page, "yaml").stream().map(yaml -> Arguments.of(page, yaml)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("examples")
  void every_example_is_valid(Path page, String yaml) {
    String whole = yaml.contains("providers:\n") ? yaml : yaml + Given.PROVIDERS;
    Map<String, String> environment = new HashMap<>();
    REFERENCE
        .matcher(yaml)
        .results()
        .forEach(reference -> environment.put(reference.group(1), value(reference.group(1))));
    Loaded loaded =
        ConfigFile.parse(
            Path.of("relay.yaml"),
            whole,
            environment,
            (file, bytes) -> content(file).getBytes(UTF_8));
    assertEquals(List.of(), Given.lines(loaded), page::toString);
  }

  private static String value(String name) {
    return switch (name) {
      case "REDIS_URL" -> "redis://localhost:6379";
      case "AWS_ACCESS_KEY_ID" -> "AKIAEXAMPLE00000001A";
      default -> "hunter2-" + name;
    };
  }

  private static String content(Path file) {
    return switch (file.getFileName().toString()) {
      case "chain.pem", "ca.pem", "relay.pem" -> TLS.certificatePem();
      case "key.pem", "relay.key" -> TLS.privateKeyPkcs8Pem();
      default -> ServiceAccounts.file("https://oauth2.googleapis.com/token");
    };
  }

  @Test
  void the_faults_are_those_that_a_check_prints() {
    String yaml = "server:\n  drain_ms: soon\n  lisen: 127.0.0.1:8787\nproviders: []\n";
    assertEquals(
        List.of(String.join("\n", Given.faults(yaml)) + "\n"),
        Documents.blocks(CONFIGURATION_PAGE, ""));
  }

  @ParameterizedTest
  @EnumSource
  void every_type_of_provider_is_in_the_table(ProviderType type) {
    String name = "\n| `" + type.name().toLowerCase(Locale.ROOT) + "` | ";
    String page = Documents.read(PROVIDERS_PAGE);
    int row = page.indexOf(name);
    assertTrue(row >= 0, "docs/providers.md lacks" + name);
    String dialect = page.substring(row + name.length()).split(" ", 2)[0];
    assertEquals(type.dialect().name().toLowerCase(Locale.ROOT), dialect);
  }
}
