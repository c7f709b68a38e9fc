package relay;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;
import relay.logging.Logging;
import relay.trial.Trial;

/** {@code relay try}. */
record TryCommand(Map<String, String> environment, PrintStream out) implements Subcommand {

  @Override
  public void describe(CommandSpec spec) {
    spec.name("try");
    spec.usageMessage()
        .description(
            "See Relay at work, with no account and no set-up.",
            "Starts a Redis of its own, a simulated provider that enforces limits, and two replicas.",
            "Sends a few hundred requests, shows the usage of the keys, and prints a summary. Takes"
                + " half a minute.")
        .footer("  relay try");
  }

  @Override
  public int run(@Nullable Path config) {
    Logging.configure(Level.INFO, Logging.Format.TEXT);
    return Trial.run(out, environment);
  }
}
