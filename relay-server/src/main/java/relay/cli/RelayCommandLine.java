package relay.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;

/** The command line: reads the arguments and runs one command. */
public final class RelayCommandLine {
  private static final int HELP_COLUMNS = 100;

  private RelayCommandLine() {}

  /**
   * The command line of the given commands, and of {@code version}, {@code completion} and {@code
   * help} in the last group. {@link CommandLine#execute} gives the exit code.
   */
  public static CommandLine of(List<CommandGroup> groups, PrintStream out, PrintStream err) {
    OptionSpec config = config();
    OptionSpec help =
        OptionSpec.builder("-h", "--help")
            .type(boolean.class)
            .usageHelp(true)
            .scopeType(ScopeType.INHERIT)
            .description("Show this help")
            .build();
    CommandSpec root = CommandSpec.create();
    root.name("relay").interpolateVariables(false).addOption(config).addOption(help);
    root.addOption(
        OptionSpec.builder("--version")
            .type(boolean.class)
            .versionHelp(true)
            .description("Print version, commit and Java")
            .build());
    root.versionProvider(() -> new String[] {Version.current().toString()});
    root.usageMessage()
        .description("Relay: one key pool for LLM APIs, with exact limits.")
        .footer(
            "",
            "New here: `relay try`. More on a command: `relay COMMAND --help`.",
            "Exit codes: 0 ok, 1 failure at run time, 2 bad usage or config.");
    Map<String, String> titles = new HashMap<>();
    for (CommandGroup group : groups) {
      List<String> names = group.commands().stream().map(c -> add(root, c, config)).toList();
      titles.put(names.getFirst(), group.title());
    }
    Stream.of(new VersionCommand(out), new CompletionCommand(root, out), new HelpCommand(root))
        .forEach(
            command -> {
              var _ = add(root, command, config);
            });
    CommandList.install(root, titles);
    return new CommandLine(root)
        .setExpandAtFiles(false)
        .setUnmatchedOptionsAllowedAsOptionParameters(false)
        .setUsageHelpWidth(HELP_COLUMNS)
        .setOut(new PrintWriter(out, true, out.charset()))
        .setErr(new PrintWriter(err, true, err.charset()))
        .setExecutionStrategy(RelayCommandLine::execute)
        .setParameterExceptionHandler(UsageFault::explain);
  }

  /** {@code relay} alone shows the commands. */
  private static int execute(ParseResult parsed) {
    if (parsed.hasSubcommand() || parsed.isVersionHelpRequested()) {
      return new RunLast().execute(parsed);
    }
    CommandLine relay = parsed.commandSpec().commandLine();
    relay.usage(relay.getOut());
    return ExitCode.OK;
  }

  private static OptionSpec config() {
    return OptionSpec.builder("--config")
        .paramLabel("FILE")
        .type(Path.class)
        .converters(RelayCommandLine::parseFile)
        .description(
            "The configuration. Default: relay.yaml here, else"
                + " $XDG_CONFIG_HOME/relay/relay.yaml, else /etc/relay/relay.yaml")
        .build();
  }

  /**
   * @param before the option where it stands before the command
   * @return the command's name
   */
  private static String add(CommandSpec root, Subcommand command, OptionSpec before) {
    OptionSpec own = config();
    Callable<Integer> run =
        () -> {
          Path named = own.<@Nullable Path>getValue();
          return command.run(named == null ? before.<@Nullable Path>getValue() : named);
        };
    CommandSpec spec = CommandSpec.wrapWithoutInspection(run);
    command.describe(spec);
    if (command.readsConfig()) {
      spec.addOption(own);
    }
    spec.usageMessage().footerHeading("%nExamples:%n").abbreviateSynopsis(false);
    root.addSubcommand(spec.name(), spec);
    return spec.name();
  }

  private static Path parseFile(String name) {
    if (name.isEmpty()) {
      throw new TypeConversionException("a file is missing");
    }
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("not a file name: " + e.getReason());
    }
  }
}
