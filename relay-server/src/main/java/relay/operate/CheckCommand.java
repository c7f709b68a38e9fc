package relay.operate;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.logging.Logging;
import relay.memory.MemoryBudget;

/** {@code relay check}. */
final class CheckCommand implements Subcommand {
  private final PositionalParamSpec file =
      PositionalParamSpec.builder()
          .paramLabel("FILE")
          .description("The config; default: as without --config")
          .type(Path.class)
          .arity("0..1")
          .build();
  private final OptionSpec connect =
      Operands.flag("--connect", "Also try Redis and each key, by calls that cost nothing");
  private final CommandContext context;

  CheckCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("check").addPositional(file).addOption(connect);
    spec.usageMessage()
        .description(
            "Validate a config.",
            "Prints every fault as FILE:LINE:COLUMN: path.to.value: what is wrong; what is"
                + " allowed. On a terminal the line follows, without secrets.",
            "Warns of what is valid, but cannot work or is hardly meant.",
            "With --connect it exits with 1 if Redis or a provider does not answer, or refuses a"
                + " key.")
        .footer("  relay check", "  relay check deploy/relay.yaml", "  relay check --connect");
  }

  @Override
  public int run(@Nullable Path config) {
    @Nullable Path named = file.getValue();
    Optional<Path> found =
        ConfigLookup.file(named == null ? config : named, context.environment(), context.err());
    if (found.isEmpty()) {
      return ExitCode.USAGE;
    }
    return switch (ConfigFile.load(found.get(), context.environment())) {
      case Loaded.Valid(Config valid) -> {
        context.out().println(found.get() + ": valid: " + ConfigOverview.summary(valid));
        ConfigOverview.lines(valid).forEach(line -> context.out().println("  " + line));
        MemoryBudget memory = MemoryBudget.ofProcess();
        Stream.of(ConfigWarnings.of(valid, memory), Doubts.of(valid))
            .flatMap(List::stream)
            .forEach(warning -> context.err().println("warning: " + warning));
        yield connect.<Boolean>getValue() ? connect(valid) : ExitCode.OK;
      }
      case Loaded.Invalid(List<ConfigFault> faults) -> {
        TerminalFeatures terminal = TerminalFeatures.ofErrors(context.err(), context.environment());
        for (ConfigFault fault : faults) { // programs read the lines: they get no excerpts
          context.err().println(fault);
          context.err().print(terminal.live() ? FaultExcerpt.of(fault, terminal) : "");
        }
        yield ExitCode.USAGE;
      }
    };
  }

  private int connect(Config config) {
    Logging.configure(Level.ERROR, Logging.Format.TEXT); // a finding says it in its own words
    boolean isGood = true;
    for (ConnectCheck.Finding finding : ConnectCheck.of(config)) {
      (finding.isGood() ? context.out() : context.err()).println(finding.text());
      isGood &= finding.isGood();
    }
    return isGood ? ExitCode.OK : ExitCode.SOFTWARE;
  }
}
