package relay.config;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The environment and secret files for the tests' configurations. */
final class Given {
  static final Path FILE = Path.of("relay.yaml");

  /** One valid provider, to complete a test's configuration. */
  static final String PROVIDERS =
      "providers: [{name: anthropic, type: anthropic, keys: [{key: provider-key}]}]\n";

  static final Map<String, String> ENVIRONMENT =
      Map.of(
          "SET", "hunter2",
          "EMPTY", "",
          "NEGATIVE", "-4711",
          "CONTROL", "line\nhunter2",
          "SPACE", " hunter2");

  private static final Map<String, byte[]> FILES =
      Map.of(
          "/secrets/unix", "hunter2\n".getBytes(StandardCharsets.UTF_8),
          "/secrets/windows", "hunter2\r\n".getBytes(StandardCharsets.UTF_8),
          "/secrets/number", "42\n".getBytes(StandardCharsets.UTF_8),
          "/secrets/clients.yaml",
              """
              clients:
                - {name: team-a, key: three}
                - {bogus: 1, name: team-b, key: "${SET}"}
                - {name: c, key: one}
              """
                  .getBytes(StandardCharsets.UTF_8),
          "/secrets/lines", "hunter2\n\n".getBytes(StandardCharsets.UTF_8),
          "/secrets/binary", new byte[] {(byte) 0xff, (byte) 0xfe},
          "/secrets/large", new byte[References.MAX_VALUE_CHARS + 1]);

  private Given() {}

  static byte[] read(Path path, int maxBytes) throws IOException {
    String name = path.toString();
    if (name.endsWith("denied")) {
      throw new AccessDeniedException(name);
    }
    byte[] content = FILES.get(name);
    if (content == null) {
      throw new NoSuchFileException(name);
    }
    return Arrays.copyOf(content, Math.min(content.length, maxBytes));
  }

  static Loaded load(String yaml) {
    return load(yaml, ENVIRONMENT);
  }

  static Loaded load(String yaml, Map<String, String> environment) {
    return ConfigFile.parse(FILE, yaml, environment, Given::read);
  }

  static Config valid(String yaml) {
    return valid(yaml, ENVIRONMENT);
  }

  static Config valid(String yaml, Map<String, String> environment) {
    return switch (load(yaml, environment)) {
      case Loaded.Valid(Config config) -> config;
      case Loaded.Invalid(List<ConfigFault> faults) -> fail("unexpected faults: " + faults);
    };
  }

  static List<String> faults(String yaml) {
    return lines(load(yaml));
  }

  static List<String> lines(Loaded loaded) {
    return switch (loaded) {
      case Loaded.Valid valid -> List.of();
      case Loaded.Invalid(List<ConfigFault> faults) ->
          faults.stream().map(ConfigFault::toString).toList();
    };
  }
}
