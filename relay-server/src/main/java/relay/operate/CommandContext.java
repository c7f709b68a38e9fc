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

  /** What a command does with one replica. */
  @FunctionalInterface
  interface ReplicaOperation {
    void on(AdminAccess replica) throws OperationFailed;
  }

  @FunctionalInterface
  private interface Opener<A> {
    A open(Config config) throws OperationFailed;
  }

  @FunctionalInterface
  private interface Task<A> {
    void run(A access) throws OperationFailed;
  }

  /** Runs the operation on the pools of the target, or of a configuration; gives the exit code. */
  int withPools(PoolsTarget target, @Nullable Path file, Operation operation) {
    return run(target, file, PoolsAccess::of, operation::on);
  }

  /** The same on one replica, for what Redis does not tell. */
  int withReplica(AdminTarget target, @Nullable Path file, ReplicaOperation operation) {
    return run(target, file, config -> AdminAccess.to(config.server()), operation::on);
  }

  /**
   * A configuration with faults, or none at all, does not keep an operator from the replica of this
   * machine: it may run with an earlier one, or without a file.
   */
  private <A extends PoolsAccess> int run(
      CommandTarget<A> target, @Nullable Path file, Opener<A> configured, Task<A> task) {
    // The command reports a lost connection in its own words.
    Logging.configure(Level.ERROR, Logging.Format.TEXT);
    boolean isWithoutFile = file == null && ConfigLookup.found(environment).isEmpty();
    Optional<Config> config = Optional.empty();
    boolean isWithoutConfig = false;
    try {
      A named = target.named(environment);
      if (named == null) {
        if (!isWithoutFile) {
          config = ConfigLookup.withoutSecrets(file, environment, err);
        }
        isWithoutConfig = config.isEmpty();
      }
      try (A access =
          config.isPresent()
              ? configured.open(config.get())
              : named == null ? target.here(environment) : named) {
        task.run(access);
        return ExitCode.OK;
      }
    } catch (OperationFailed e) {
      err.println("relay: " + e.text());
      if (!isWithoutConfig) {
        return e.exitCode();
      }
      if (isWithoutFile) {
        var _ = ConfigLookup.file(file, environment, err); // says where one may be
      }
      return ExitCode.USAGE;
    }
  }
}
