package relay.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.model.DurationText;

/** Reads the command line. */
public final class Arguments {
  private final Syntax syntax;
  private final List<String> operands = new ArrayList<>();
  private final Set<String> flags = new HashSet<>();
  private @Nullable Path config;

  private Arguments(Syntax syntax) {
    this.syntax = syntax;
  }

  /** What the arguments ask for; never throws. */
  public static Command parse(String... arguments) {
    try {
      return parse(List.of(arguments));
    } catch (UsageException e) {
      return new Command.BadUsage(e.text());
    }
  }

  private static Command parse(List<String> arguments) throws UsageException {
    if (arguments.isEmpty()) {
      return new Command.Help(Syntax.overview());
    }
    String first = arguments.getFirst();
    List<String> rest = arguments.subList(1, arguments.size());
    return switch (first) {
      case "help" -> new Command.Help(rest.isEmpty() ? Syntax.overview() : helpOn(rest));
      case "-h", "--help" -> new Command.Help(Syntax.overview());
      case "--version" -> command("version", rest);
      default -> command(first, rest);
    };
  }

  private static String helpOn(List<String> words) throws UsageException {
    return syntax(words.getFirst()).help();
  }

  private static Command command(String name, List<String> rest) throws UsageException {
    Syntax syntax = syntax(name);
    if (rest.contains("-h") || rest.contains("--help")) {
      return new Command.Help(syntax.help());
    }
    Arguments arguments = new Arguments(syntax);
    arguments.read(rest);
    return arguments.toCommand();
  }

  private static Syntax syntax(String name) throws UsageException {
    Optional<Syntax> syntax = Syntax.named(name);
    if (syntax.isPresent()) {
      return syntax.get();
    }
    throw new UsageException(
        name.startsWith("-")
            ? "relay: expected a command before \"" + name + "\""
            : "relay: unknown command \"" + name + "\"",
        Suggestion.of(name, Syntax.names())
            .map(near -> "Did you mean \"" + near + "\"?")
            .orElse("See: relay --help"));
  }

  private void read(List<String> rest) throws UsageException {
    boolean onlyOperands = false;
    for (int i = 0; i < rest.size(); i++) {
      String word = rest.get(i);
      if (onlyOperands || !word.startsWith("-") || word.equals("-")) {
        operands.add(word);
      } else if (word.equals("--")) {
        onlyOperands = true;
      } else if (word.equals("--config")) {
        i++;
        setConfig(i < rest.size() ? rest.get(i) : "");
      } else if (word.startsWith("--config=")) {
        setConfig(word.substring("--config=".length()));
      } else if (syntax.flags().contains(word)) {
        flags.add(word);
      } else {
        throw unknownOption(word);
      }
    }
    List<String> wanted = syntax.operands();
    if (operands.size() < wanted.size()) {
      throw wrong("missing " + wanted.get(operands.size()));
    }
    if (operands.size() > wanted.size()) {
      throw wrong("unexpected \"" + operands.get(wanted.size()) + "\"");
    }
  }

  private void setConfig(String file) throws UsageException {
    if (config != null) {
      throw wrong("--config is given twice");
    }
    if (file.isEmpty()) {
      throw wrong("--config needs a file");
    }
    try {
      config = Path.of(file);
    } catch (InvalidPathException e) {
      throw wrong("--config: not a file name: " + e.getReason());
    }
  }

  private Command toCommand() throws UsageException {
    return switch (syntax) {
      case SERVE -> new Command.Serve(config);
      case TRY -> new Command.Try(config);
      case CHECK -> new Command.Check(config);
      case KEYS -> new Command.Keys(config, flags.contains("--watch"), flags.contains("--json"));
      case COOLDOWN -> new Command.Cooldown(config, operands.get(0), operands.get(1), duration());
      case QUARANTINE -> new Command.Quarantine(config, operands.get(0), operands.get(1));
      case RESTORE -> new Command.Restore(config, operands.get(0), operands.get(1));
      case VERSION -> new Command.Version(config);
    };
  }

  private Duration duration() throws UsageException {
    String text = operands.get(2);
    return DurationText.parse(text)
        .orElseThrow(() -> wrong("\"" + text + "\" is no duration; " + DurationText.ALLOWED));
  }

  private UsageException unknownOption(String word) {
    List<String> known = new ArrayList<>(syntax.flags());
    known.add("--config");
    known.add("--help");
    return new UsageException(
        "relay " + syntax.word() + ": unknown option \"" + word + "\"",
        Suggestion.of(word, known)
            .map(near -> "Did you mean \"" + near + "\"?")
            .orElse("Usage: " + syntax.usage()));
  }

  private UsageException wrong(String what) {
    return new UsageException("relay " + syntax.word() + ": " + what, "Usage: " + syntax.usage());
  }
}
