package relay;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.logging.Logging;

/**
 * {@code relay try}. Starts the trial by name: the server's code does not depend on the trial,
 * which drives it from outside.
 */
final class TryCommand implements Subcommand {
  static final String TRIAL = "relay.trial.Trial";
  private static final String AGENTS = "--agents";
  private static final String WORKERS = "--workers";
  private static final String MINUTES = "--minutes";
  private static final int MOST_MINUTES = 30; // what the simulated provider's log holds
  private static final int LEAST_WORKERS = 4; // one of each manner
  private static final int MOST_WORKERS = 50; // a JVM each
  private static final String WORKERS_DEFAULT = "20";

  private final OptionSpec agents =
      Operands.flag(
          AGENTS,
          "Agents instead: streamed answers of unknown length, by both kinds of accounting, before"
              + " a provider whose bucket holds the whole limit, and a sixth. Takes a minute");
  private final OptionSpec workers =
      OptionSpec.builder(WORKERS)
          .paramLabel("N")
          .arity("0..1")
          .fallbackValue(WORKERS_DEFAULT)
          .type(Integer.class)
          .converters(text -> parse(text, LEAST_WORKERS, MOST_WORKERS))
          .description(
              "Workers instead: N processes, "
                  + WORKERS_DEFAULT
                  + " by default, that take leases and call the provider by themselves, beside the"
                  + " proxy's load; a quarter of them is killed. Takes a minute")
          .build();
  private final OptionSpec minutes =
      OptionSpec.builder(MINUTES)
          .paramLabel("N")
          .arity("1")
          .type(Integer.class)
          .converters(text -> parse(text, 1, MOST_MINUTES))
          .description(
              "Windows of a minute, as providers have; N of them are measured, up to "
                  + MOST_MINUTES
                  + ". Takes four minutes more")
          .build();

  private CommandSpec command = CommandSpec.create();

  @Override
  public void describe(CommandSpec spec) {
    command = spec;
    spec.name("try");
    spec.addOption(agents);
    spec.addOption(workers);
    spec.addOption(minutes);
    spec.usageMessage()
        .description(
            "See Relay at work, with no account and no set-up.",
            "Starts a Redis of its own, a simulated provider that enforces limits, and two"
                + " replicas.",
            "Offers more than the keys can carry for half a minute, shows their usage, and prints a"
                + " summary. The first run of a clone also builds and trains for some minutes.")
        .footer(
            "  relay try",
            "  relay try --minutes 5",
            "  relay try --agents",
            "  relay try --workers");
  }

  private static int parse(String text, int least, int most) {
    if (!text.matches("[1-9][0-9]?")
        || Integer.parseInt(text) < least
        || Integer.parseInt(text) > most) {
      throw new TypeConversionException(
          "\"" + text + "\" is not a whole number from " + least + " to " + most);
    }
    return Integer.parseInt(text);
  }

  private String[] options() {
    List<String> options = new ArrayList<>();
    List<String> kinds = new ArrayList<>();
    if (agents.<Boolean>getValue()) {
      options.add(AGENTS);
      kinds.add(AGENTS);
    }
    for (OptionSpec counted : List.of(workers, minutes)) {
      Integer count = counted.<@Nullable Integer>getValue();
      if (count != null) {
        options.addAll(List.of(counted.longestName(), count.toString()));
        kinds.add(counted.longestName());
      }
    }
    if (kinds.size() > 1) {
      throw new ParameterException(
          command.commandLine(), kinds.getLast() + " does not go with " + kinds.getFirst());
    }
    return options.toArray(String[]::new);
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    Logging.configure(Level.INFO, Logging.Format.TEXT);
    try {
      Class.forName(TRIAL).getMethod("main", String[].class).invoke(null, (Object) options());
      return 0; // not reached: the trial exits by itself
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("relay-trial.jar does not fit this relay.jar", e);
    }
  }
}
