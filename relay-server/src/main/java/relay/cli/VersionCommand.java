package relay.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** {@code relay version}. */
final class VersionCommand implements Subcommand {
  private final OptionSpec json = Operands.flag("--json", "Print the same as a JSON object");
  private final PrintStream out;

  VersionCommand(PrintStream out) {
    this.out = out;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("version").addOption(json);
    spec.usageMessage()
        .description("Print version, commit and Java.")
        .footer("  relay version", "  relay version --json");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    Version version = Version.current();
    out.println(json.<Boolean>getValue() ? version.json() : version);
    return 0;
  }
}
