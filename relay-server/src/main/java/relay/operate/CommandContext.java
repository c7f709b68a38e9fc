package relay.operate;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.ExitCode;
import relay.config.Config;
import relay.logging.Logging;

/** What a command reads and writes. */
record CommandContext(Map<String, String> environment, PrintStream out, PrintStream err) {

  /** What a command does with the pools. */
  @FunctionalInterface
  interface Operation {
    void on(PoolsAccess pools) throws OperationFailed;
  }

  /** Runs the operation on the pools of a configuration; gives the exit code. */
  int withPools(@Nullable Path file, Operation operation) {
    // The command reports a lost connection in its own words.
    Logging.configure(Level.ERROR, Logging.Format.TEXT);
    Optional<Config> config = ConfigLookup.withoutSecrets(file, environment, err);
    if (config.isEmpty()) {
      return ExitCode.USAGE;
    }
    try (PoolsAccess pools = PoolsAccess.of(config.get())) {
      operation.on(pools);
      return ExitCode.OK;
    } catch (OperationFailed e) {
      err.println("relay: " + e.text());
      return e.exitCode();
    }
  }
}
