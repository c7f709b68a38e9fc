package relay.operate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.config.Config;
import relay.config.EffectiveConfig;

/** {@code relay config}. */
final class ConfigCommand implements Subcommand {
  private final PositionalParamSpec action =
      Operands.word("ACTION", "show: print the effective config");
  private final CommandContext context;

  ConfigCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("config").addPositional(action);
    spec.usageMessage()
        .description(
            "Show the effective config.",
            "Prints every setting with its value and its origin: a line of the file with the"
                + " variables that it names, or the default. Never prints a secret.")
        .footer("  relay config show", "  relay config show | grep -v default");
  }

  @Override
  public int run(@Nullable Path config) {
    if (!action.<String>getValue().equals("show")) {
      context.err().println("relay: `relay config show` is the only action");
      return ExitCode.USAGE;
    }
    Optional<Path> file = ConfigLookup.file(config, context.environment(), context.err());
    Optional<Config> valid =
        file.flatMap(f -> ConfigLookup.withoutSecrets(f, context.environment(), context.err()));
    if (valid.isEmpty()) {
      return ExitCode.USAGE;
    }
    try {
      print(EffectiveConfig.of(file.get(), Files.readString(file.get()), valid.get()));
      return ExitCode.OK;
    } catch (IOException e) { // it was read a moment ago
      context.err().println("relay: cannot read " + file.get() + ": " + e.getMessage());
      return ExitCode.SOFTWARE;
    }
  }

  private void print(List<EffectiveConfig.Setting> settings) {
    settings.forEach(
        one -> context.out().println(one.path() + ": " + one.value() + "  # " + one.origin()));
    context.out().flush();
  }
}
