package relay.operate;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay status}. */
final class StatusCommand implements Subcommand {
  private final OptionSpec json = Operands.flag("--json", "Print the same as JSON");
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  StatusCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("status").addOption(json);
    target.addTo(spec);
    spec.usageMessage()
        .description(
            "Say whether all is well, or what is wrong.",
            "A line for each problem: a refused config, Redis away, a failing provider, keys that"
                + " are out of use. Then a line for each pool. Exits with 1 if there is a problem.")
        .footer("  relay status", "  relay status --admin http://10.0.0.5:9091");
  }

  @Override
  public int run(@Nullable Path config) {
    AtomicBoolean isHealthy = new AtomicBoolean(true);
    int exitCode =
        context.withPools(
            target,
            config,
            pools -> {
              FleetVerdict verdict = FleetVerdict.of(ReplicaJson.of(pools.json()));
              context.out().print(json.<Boolean>getValue() ? verdict.json() : verdict.text());
              context.out().flush();
              isHealthy.set(verdict.isHealthy());
            });
    return exitCode == ExitCode.OK && !isHealthy.get() ? ExitCode.SOFTWARE : exitCode;
  }
}
