package relay;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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

  private final OptionSpec agents =
      Operands.flag(
          AGENTS,
          "Agents instead: streamed answers of unknown length, by both kinds of accounting, before"
              + " a provider whose bucket holds the whole limit, and a sixth. Takes a minute");

  @Override
  public void describe(CommandSpec spec) {
    spec.name("try");
    spec.addOption(agents);
    spec.usageMessage()
        .description(
            "See Relay at work, with no account and no set-up.",
            "Starts a Redis of its own, a simulated provider that enforces limits, and two"
                + " replicas.",
            "Sends a few hundred requests, shows the usage of the keys, and prints a summary. Takes"
                + " half a minute.")
        .footer("  relay try", "  relay try --agents");
  }

  @Override
  public int run(@Nullable Path config) {
    Logging.configure(Level.INFO, Logging.Format.TEXT);
    try {
      Class.forName(TRIAL)
          .getMethod("main", String[].class)
          .invoke(
              null, (Object) (agents.<Boolean>getValue() ? new String[] {AGENTS} : new String[0]));
      return 0; // not reached: the trial exits by itself
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("relay-trial.jar does not fit this relay.jar", e);
    }
  }
}
