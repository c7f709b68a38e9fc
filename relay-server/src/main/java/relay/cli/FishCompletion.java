package relay.cli;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A completion script for fish, which picocli does not write. */
final class FishCompletion {
  private static final String FIRST_WORD = "__fish_use_subcommand";

  private FishCompletion() {}

  /** A line for each command, and for each option of each command. */
  static String of(CommandSpec root) {
    StringBuilder script = new StringBuilder("complete -c relay -f\n");
    options(script, root, FIRST_WORD);
    for (CommandLine command : root.subcommands().values()) {
      CommandSpec spec = command.getCommandSpec();
      String[] description = spec.usageMessage().description();
      line(script, FIRST_WORD).append(" -a ").append(spec.name());
      described(script, description.length == 0 ? "" : description[0]);
      options(script, spec, "__fish_seen_subcommand_from " + spec.name());
    }
    return script.toString();
  }

  private static void options(StringBuilder script, CommandSpec spec, String where) {
    for (OptionSpec option : spec.options()) {
      line(script, where);
      for (String name : option.names()) {
        script.append(name.startsWith("--") ? " -l " : " -s ").append(name.replaceFirst("^-+", ""));
      }
      if (option.arity().max() > 0) {
        script.append(" -r -F"); // the only values of options are files
      }
      String[] description = option.description();
      described(script, description.length == 0 ? "" : description[0]);
    }
  }

  private static StringBuilder line(StringBuilder script, String where) {
    return script.append("complete -c relay -n '").append(where).append('\'');
  }

  private static void described(StringBuilder script, String text) {
    String quoted = text.replace("\\", "\\\\").replace("'", "\\'");
    script.append(" -d '").append(quoted).append("'\n");
  }
}
