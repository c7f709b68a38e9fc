package relay.cli;

import java.util.List;

/** Commands that stand together in the help, under a title; at least one. */
public record CommandGroup(String title, List<Subcommand> commands) {
  public CommandGroup {
    commands = List.copyOf(commands);
  }
}
