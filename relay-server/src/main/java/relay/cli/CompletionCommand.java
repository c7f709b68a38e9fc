package relay.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;

/** {@code relay completion}. The script covers every command of {@code root}. */
final class CompletionCommand implements Subcommand {
  private final PositionalParamSpec shell =
      PositionalParamSpec.builder()
          .paramLabel("SHELL")
          .description("bash, zsh or fish. Default: bash")
          .arity("0..1")
          .type(String.class)
          .build();
  private final CommandSpec root;
  private final PrintStream out;

  CompletionCommand(CommandSpec root, PrintStream out) {
    this.root = root;
    this.out = out;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("completion").addPositional(shell);
    spec.usageMessage()
        .description(
            "Print a completion script for bash, zsh or fish.",
            "Load it in ~/.bashrc, in ~/.zshrc after compinit, or in ~/.config/fish/config.fish.")
        .footer(
            "  source <(relay completion)",
            "  relay completion zsh",
            "  relay completion fish | source");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    String name = shell.<@Nullable String>getValue();
    out.print(
        switch (name == null ? "bash" : name) {
          case "bash", "zsh" -> AutoComplete.bash(root.name(), root.commandLine()); // it knows both
          case "fish" -> FishCompletion.of(root);
          default ->
              throw new ParameterException(
                  Objects.requireNonNull(root.subcommands().get("completion")),
                  "unknown shell \"" + name + "\"; allowed: bash, zsh or fish");
        });
    return 0;
  }
}
