package relay.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * {@code relay check}: validates a configuration file and returns output lines and an exit code.
 */
public final class ConfigCheck {
  private ConfigCheck() {}

  /**
   * @param lines one summary line for a valid file, otherwise one line per fault
   * @param exitCode 0 for a valid file, 2 otherwise
   */
  public record Report(List<String> lines, int exitCode) {
    public Report {
      lines = List.copyOf(lines);
    }
  }

  /** Checks a file with the same rules as {@code relay serve}. */
  public static Report check(Path file, Map<String, String> environment) {
    return report(file, ConfigFile.load(file, environment));
  }

  /** The report on a load's outcome. */
  public static Report report(Path file, Loaded loaded) {
    return switch (loaded) {
      case Loaded.Valid(Config config) -> new Report(List.of(file + ": ok: " + summary(config)), 0);
      case Loaded.Invalid(List<ConfigFault> faults) ->
          new Report(faults.stream().map(ConfigFault::toString).toList(), 2);
    };
  }

  private static String summary(Config config) {
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
