package relay.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** {@code relay check}: a configuration file in, lines for the user and an exit code out. */
public final class ConfigCheck {
  private ConfigCheck() {}

  /**
   * @param lines one line that says what the file holds, or one for each fault
   * @param exitCode 0 for a valid file, 2 otherwise
   */
  public record Report(List<String> lines, int exitCode) {
    public Report {
      lines = List.copyOf(lines);
    }
  }

  /** Checks a file as {@code relay serve} would read it. */
  public static Report check(Path file, Map<String, String> environment) {
    return report(file, ConfigFile.load(file, environment));
  }

  /** What to print about an outcome. */
  public static Report report(Path file, Loaded loaded) {
    return switch (loaded) {
      case Loaded.Valid(Config config) -> new Report(List.of(file + ": ok: " + sum(config)), 0);
      case Loaded.Invalid(List<ConfigFault> faults) ->
          new Report(faults.stream().map(ConfigFault::toString).toList(), 2);
    };
  }

  private static String sum(Config config) {
    int keys = config.providers().stream().mapToInt(provider -> provider.keys().size()).sum();
    int groups = config.providers().stream().mapToInt(provider -> provider.groups().size()).sum();
    return String.join(
        ", ",
        count(config.providers().size(), "provider"),
        count(keys, "key"),
        count(groups, "quota group"));
  }

  private static String count(int number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }
}
