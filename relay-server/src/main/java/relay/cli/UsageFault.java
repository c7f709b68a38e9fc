package relay.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Explains wrong arguments in two lines: the fault, and a suggestion or the usage. */
final class UsageFault {
  private UsageFault() {}

  /** Writes both lines to standard error; returns the exit code. */
  static int explain(ParameterException fault, String[] arguments) {
    CommandLine command = fault.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    PrintWriter err = command.getErr();
    err.println(name + ": " + what(fault));
    List<String> near =
        fault instanceof UnmatchedArgumentException unmatched
            ? unmatched.getSuggestions()
            : List.of();
    err.println(
        near.isEmpty() ? usage(command) : "Did you mean: " + String.join(" or ", near) + "?");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static String what(ParameterException fault) {
    boolean isCommand =
        fault instanceof UnmatchedArgumentException unmatched
            && !unmatched.isUnknownOption()
            && !fault.getCommandLine().getSubcommands().isEmpty();
    return isCommand
        ? "unknown command \""
            + ((UnmatchedArgumentException) fault).getUnmatched().getFirst()
            + "\""
        : Objects.requireNonNullElse(fault.getMessage(), "bad usage");
  }

  private static String usage(CommandLine command) {
    Help help = command.getHelp();
    return "Usage: " + help.synopsis("Usage: ".length()).strip();
  }
}
