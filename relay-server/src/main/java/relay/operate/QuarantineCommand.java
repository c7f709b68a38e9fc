package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;

/** {@code relay quarantine}. */
final class QuarantineCommand implements Subcommand {
  private final KeyOperands operands = new KeyOperands();
  private final AdminTarget target = new AdminTarget();
  private final CommandContext context;

  QuarantineCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("quarantine");
    operands.addTo(spec);
    target.addTo(spec);
    spec.usageMessage()
        .description("Keep a key unused until it is restored, in all replicas.")
        .footer("  relay quarantine anthropic acme-1");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withPools(
        target,
        config,
        pools -> {
          pools.quarantine(operands.pool(), operands.key());
          context.out().println(operands.changed("is not used until it is restored"));
        });
  }
}
