package relay.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code relay help}: what {@code --help} prints. Picocli's own is annotated. */
final class HelpCommand implements Subcommand {
  private final PositionalParamSpec topic =
      PositionalParamSpec.builder()
          .paramLabel("COMMAND")
          .description("A command. Default: the list of commands")
          .arity("0..1")
          .type(String.class)
          .build();
  private final CommandSpec root;

  HelpCommand(CommandSpec root) {
    this.root = root;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("help").addPositional(topic);
    spec.usageMessage()
        .description("Show the help of a command.")
        .footer("  relay help", "  relay help keys");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    CommandLine relay = root.commandLine();
    String name = topic.<@Nullable String>getValue();
    CommandLine command = name == null ? relay : relay.getSubcommands().get(name);
    if (command == null) {
      throw new UnmatchedArgumentException(relay, List.of(name));
    }
    command.usage(command.getOut());
    return 0;
  }
}
