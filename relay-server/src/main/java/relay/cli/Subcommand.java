package relay.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** One command of {@code relay}: what it takes, and what it does. */
public interface Subcommand {

  /**
   * Sets the name, the options and operands ({@link Operands} has the usual ones), and the text of
   * the help: a description whose first line stands in the list of commands, and a footer with
   * examples. {@code --config} and {@code --help} are there already. Called once.
   */
  void describe(CommandSpec spec);

  /**
   * Runs the command. Its options and operands have their values.
   *
   * @param config the file of {@code --config}; null for the default places
   * @return the exit code: 0 ok, 1 failure at run time, 2 bad usage or config
   */
  int run(@Nullable Path config) throws InterruptedException;
}
