package relay.operate;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import relay.cli.Command;
import relay.cli.Version;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.config.ProviderConfig;
import relay.logging.Logging;

/** Runs every command that is over at once: all but {@code serve} and {@code try}. */
public final class Operator {
  private static final int OK = 0;
  private static final int BAD_USAGE = 2;

  private final Map<String, String> environment;
  private final PrintStream out;
  private final PrintStream err;

  private Operator(Map<String, String> environment, PrintStream out, PrintStream err) {
    this.environment = environment;
    this.out = out;
    this.err = err;
  }

  /**
   * Runs a command to its end; {@code keys --watch} has none but the end of the reader.
   *
   * @return the exit code: 0 ok, 1 failure at run time, 2 bad usage or config
   * @throws IllegalArgumentException for {@code serve} and {@code try}
   */
  public static int run(
      Command command, Map<String, String> environment, PrintStream out, PrintStream err) {
    // What the connection to Redis would log is told by the command in words of its own.
    Logging.configure(Level.ERROR, Logging.Format.TEXT);
    return new Operator(environment, out, err).run(command);
  }

  private int run(Command command) {
    return switch (command) {
      case Command.Check(var config) -> check(config);
      case Command.Keys(var config, boolean watch, boolean json) ->
          with(
              config,
              pools ->
                  new KeysCommand(pools, out, TerminalFeatures.of(out, environment))
                      .run(watch, json));
      case Command.Cooldown(var config, String pool, String key, var duration) ->
          with(
              config,
              pools -> {
                pools.cooldown(pool, key, duration);
                done(pool, key, "is not used for " + Durations.text(duration.toMillis()));
              });
      case Command.Quarantine(var config, String pool, String key) ->
          with(
              config,
              pools -> {
                pools.quarantine(pool, key);
                done(pool, key, "is not used until it is restored");
              });
      case Command.Restore(var config, String pool, String key) ->
          with(
              config,
              pools -> {
                pools.restore(pool, key);
                done(pool, key, "is used again");
              });
      case Command.Version _ -> {
        out.println(Version.current());
        yield OK;
      }
      case Command.Help(String text) -> {
        out.print(text);
        yield OK;
      }
      case Command.BadUsage(String message) -> {
        err.println(message);
        yield BAD_USAGE;
      }
      case Command.Serve _, Command.Try _ ->
          throw new IllegalArgumentException("runs on: " + command);
    };
  }

  private void done(String pool, String key, String what) {
    out.println("Key " + key + " of pool " + pool + " " + what + ", in all replicas.");
  }

  @FunctionalInterface
  private interface Operation {
    void on(PoolsAccess pools) throws OperationFailed;
  }

  private int with(@Nullable Path file, Operation operation) {
    Optional<Config> config = ConfigLookup.load(file, environment, err);
    if (config.isEmpty()) {
      return BAD_USAGE;
    }
    try (PoolsAccess pools = PoolsAccess.of(config.get())) {
      operation.on(pools);
      return OK;
    } catch (OperationFailed e) {
      err.println("relay: " + e.text());
      return e.exitCode();
    }
  }

  private int check(@Nullable Path named) {
    Optional<Path> file = ConfigLookup.file(named, environment, err);
    if (file.isEmpty()) {
      return BAD_USAGE;
    }
    return switch (ConfigFile.load(file.get(), environment)) {
      case Loaded.Valid(Config config) -> {
        out.println(file.get() + ": valid: " + summary(config));
        yield OK;
      }
      case Loaded.Invalid(List<ConfigFault> faults) -> {
        faults.forEach(err::println);
        yield BAD_USAGE;
      }
    };
  }

  private static String summary(Config config) {
    List<ProviderConfig> enabled = config.enabledProviders();
    int keys = enabled.stream().mapToInt(provider -> provider.keys().size()).sum();
    return count(enabled.size(), "provider") + ", " + count(keys, "key");
  }

  private static String count(int number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }
}
