package relay.operate;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.EnvironmentConfig;
import relay.config.Loaded;

/** Finds and reads the configuration for a command. */
public final class ConfigLookup {
  private static final Path HERE = Path.of("");

  private ConfigLookup() {}

  /**
   * The file to read: {@code named}, else the first that exists of the default places. If none
   * exists, writes the places to {@code err}.
   */
  public static Optional<Path> file(
      @Nullable Path named, Map<String, String> environment, PrintStream err) {
    if (named != null) {
      return Optional.of(named);
    }
    Optional<Path> found = found(environment);
    if (found.isEmpty()) {
      err.println(
          "relay: no config; name one with --config FILE, or put it at "
              + ConfigFile.candidates(HERE, environment).stream()
                  .map(Path::toString)
                  .collect(Collectors.joining(" or "))
              + ". Without a file `relay serve` takes keys from the environment: "
              + String.join(", ", EnvironmentConfig.variables()));
    }
    return found;
  }

  /** The first file that exists of the default places. */
  public static Optional<Path> found(Map<String, String> environment) {
    return ConfigFile.find(HERE, environment, Files::exists);
  }

  /** The configuration, if it is valid; else writes every fault to {@code err}. */
  public static Optional<Config> load(
      @Nullable Path named, Map<String, String> environment, PrintStream err) {
    return file(named, environment, err)
        .flatMap(file -> valid(ConfigFile.load(file, environment), err));
  }

  /** As {@link #load}, for an operator, who does not have the providers' secrets. */
  static Optional<Config> withoutSecrets(
      @Nullable Path named, Map<String, String> environment, PrintStream err) {
    return file(named, environment, err)
        .flatMap(file -> valid(ConfigFile.withoutSecrets(file, environment), err));
  }

  private static Optional<Config> valid(Loaded loaded, PrintStream err) {
    return switch (loaded) {
      case Loaded.Valid(Config config) -> Optional.of(config);
      case Loaded.Invalid(List<ConfigFault> faults) -> {
        faults.forEach(err::println);
        yield Optional.empty();
      }
    };
  }
}
