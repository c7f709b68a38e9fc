package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.pool.QuarantineReason;

/** {@code relay quarantine}. */
final class QuarantineCommand implements Subcommand {
  private final KeyOperands operands = new KeyOperands();
  private final OptionSpec reason =
      Operands.option(
          "--reason", "TEXT", "Why, for `relay keys` and others; " + QuarantineReason.ALLOWED);
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  QuarantineCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("quarantine");
    operands.addTo(spec);
    spec.addOption(reason);
    target.addTo(spec);
    spec.usageMessage()
        .description("Keep a key unused until it is restored, in all replicas.")
        .footer(
            "  relay quarantine anthropic acme-1",
            "  relay quarantine anthropic acme-1 --reason leaked");
  }

  @Override
  public int run(@Nullable Path config) {
    String given = reason.getValue();
    String words = given == null ? "" : given.strip();
    return context.withPools(
        target,
        config,
        pools -> {
          if (QuarantineReason.byOperator(words).isEmpty()) {
            throw OperationFailed.badUsage("--reason takes " + QuarantineReason.ALLOWED);
          }
          pools.quarantine(operands.pool(), operands.key(), words);
          context.out().println(operands.changed("is not used until it is restored"));
        });
  }
}
