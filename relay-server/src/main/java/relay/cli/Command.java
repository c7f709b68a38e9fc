package relay.cli;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the user asked for. A {@code config} of null means the usual places. */
public sealed interface Command {

  /** Run a replica. */
  record Serve(@Nullable Path config) implements Command {}

  /** Show the whole thing, with no account and no set-up. */
  record Try(@Nullable Path config) implements Command {}

  /** Validate a config. */
  record Check(@Nullable Path config) implements Command {}

  /**
   * Usage of every key and group.
   *
   * @param watch refresh until interrupted
   * @param json print JSON instead of a table
   */
  record Keys(@Nullable Path config, boolean watch, boolean json) implements Command {}

  /** Keep a key unused for {@code duration}, which is positive. */
  record Cooldown(@Nullable Path config, String pool, String key, Duration duration)
      implements Command {}

  /** Keep a key unused until it is restored. */
  record Quarantine(@Nullable Path config, String pool, String key) implements Command {}

  /** Lift a key's cooldown and quarantine. */
  record Restore(@Nullable Path config, String pool, String key) implements Command {}

  /** Version, commit, Java. */
  record Version(@Nullable Path config) implements Command {}

  /** Print {@code text} to standard output; exit 0. */
  record Help(String text) implements Command {}

  /** Print {@code message}, one or two lines, to standard error; exit 2. */
  record BadUsage(String message) implements Command {}
}
