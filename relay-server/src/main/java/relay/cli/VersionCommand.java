package relay.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** {@code relay version}. */
record VersionCommand(PrintStream out) implements Subcommand {

  @Override
  public void describe(CommandSpec spec) {
    spec.name("version");
    spec.usageMessage().description("Print version, commit and Java.").footer("  relay version");
  }

  @Override
  public int run(@Nullable Path config) {
    out.println(Version.current());
    return 0;
  }
}
