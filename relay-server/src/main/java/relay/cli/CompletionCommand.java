package relay.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Model.CommandSpec;

/** {@code relay completion}. The script covers every command of {@code root}. */
record CompletionCommand(CommandSpec root, PrintStream out) implements Subcommand {

  @Override
  public void describe(CommandSpec spec) {
    spec.name("completion");
    spec.usageMessage()
        .description(
            "Print a completion script for bash and zsh.",
            "Load it in ~/.bashrc, or in ~/.zshrc after compinit.")
        .footer("  source <(relay completion)");
  }

  @Override
  public int run(@Nullable Path config) {
    out.print(AutoComplete.bash(root.name(), root.commandLine()));
    return 0;
  }
}
