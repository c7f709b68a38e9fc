package relay.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** One command of {@code relay}: its syntax and its action. */
public interface Subcommand {

  /**
   * Sets the name, the options, the operands and the help; {@link Operands} has the usual ones. The
   * first line of the description stands in the list of commands. The footer has examples. {@code
   * --config} and {@code --help} come from {@link RelayCommandLine}. Called once.
   */
  void describe(CommandSpec spec);

  /** Whether it has {@code --config}. */
  default boolean readsConfig() {
    return true;
  }

  /**
   * Runs the command. Its options and operands have their values.
   *
   * @param config the file of {@code --config}; null for the default places
   * @return the exit code: 0 ok, 1 failure at run time, 2 bad usage or config
   */
  int run(@Nullable Path config) throws InterruptedException;
}
