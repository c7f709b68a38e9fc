package relay;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import relay.cli.CommandGroup;
import relay.cli.RelayCommandLine;
import relay.logging.Logging;
import relay.operate.OperatorCommands;

/** Entry point: {@code relay COMMAND}. Exit codes: 0 ok, 1 failure at run time, 2 bad usage. */
public final class Main {
  private Main() {}

  /** Runs a command. */
  public static void main(String[] args) throws InterruptedException {
    Logging.chooseManager();
    if (isPlainServe(args)) {
      Path config = args.length == 1 ? null : Path.of(args[2]);
      System.exit(new ServeCommand(System.getenv(), System.err).run(config));
    }
    System.exit(commandLine(System.getenv(), System.out, System.err).execute(args));
  }

  /**
   * True for {@code serve} and {@code serve --config FILE}, which start without picocli. JDK 25's
   * AOT cache does not hold picocli: its class files are of a format before Java 6. To load and
   * verify them would add 0.15 s of CPU time to each start of a replica.
   */
  static boolean isPlainServe(String... args) {
    return args.length > 0
        && args[0].equals("serve")
        && (args.length == 1
            || (args.length == 3
                && args[1].equals("--config")
                && !args[2].isEmpty()
                && !args[2].startsWith("-")));
  }

  static CommandLine commandLine(
      Map<String, String> environment, PrintStream out, PrintStream err) {
    List<CommandGroup> groups = new ArrayList<>();
    groups.add(
        new CommandGroup("Run", List.of(new ServeCommand(environment, err), new TryCommand())));
    groups.addAll(OperatorCommands.all(environment, System.in, out, err));
    return RelayCommandLine.of(groups, out, err);
  }
}
