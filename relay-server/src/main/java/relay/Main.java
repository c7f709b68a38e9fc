package relay;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;
import relay.cli.RelayCommandLine;
import relay.cli.Subcommand;
import relay.logging.Logging;
import relay.operate.OperatorCommands;

/** Entry point: {@code relay COMMAND}. Exit codes: 0 ok, 1 failure at run time, 2 bad usage. */
public final class Main {
  private Main() {}

  /** Runs a command. */
  public static void main(String[] args) {
    Logging.chooseManager();
    System.exit(commandLine(System.getenv(), System.out, System.err).execute(args));
  }

  static CommandLine commandLine(
      Map<String, String> environment, PrintStream out, PrintStream err) {
    List<Subcommand> commands =
        Stream.concat(
                Stream.of(new ServeCommand(environment, err), new TryCommand(environment, out)),
                OperatorCommands.all(environment, out, err).stream())
            .toList();
    return RelayCommandLine.of(commands, out, err);
  }
}
