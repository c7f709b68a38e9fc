package relay.operate;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import relay.cli.CommandGroup;

/** The commands with which an operator looks at a pool and changes it. */
public final class OperatorCommands {
  private OperatorCommands() {}

  /**
   * All of them, in the groups and the order of the help.
   *
   * @param in what the user answers to a command that asks
   */
  public static List<CommandGroup> all(
      Map<String, String> environment, InputStream in, PrintStream out, PrintStream err) {
    CommandContext context = new CommandContext(environment, out, err);
    return List.of(
        new CommandGroup(
            "Set up",
            List.of(
                new InitCommand(context, in),
                new ConnectCommand(context),
                new CheckCommand(context))),
        new CommandGroup(
            "Look",
            List.of(
                new StatusCommand(context),
                new KeysCommand(context),
                new DescribeCommand(context),
                new ClientsCommand(context),
                RecentCommand.events(context),
                RecentCommand.requests(context))),
        new CommandGroup(
            "Change what runs",
            List.of(
                new CooldownCommand(context),
                new QuarantineCommand(context),
                new RestoreCommand(context),
                new ReloadCommand(context))),
        new CommandGroup(
            "Tools",
            List.of(
                new ConfigCommand(context),
                new ExplainCommand(context),
                new SchemaCommand(context))));
  }
}
