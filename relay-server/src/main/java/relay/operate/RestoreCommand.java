package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;

/** {@code relay restore}. */
final class RestoreCommand implements Subcommand {
  private final KeyOperands operands = new KeyOperands();
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  RestoreCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("restore");
    operands.addTo(spec);
    target.addTo(spec);
    spec.usageMessage()
        .description(
            "Use a key again, in all replicas.",
            "Ends the cooldown and the quarantine of the key, and"
                + " those of its account's other keys and groups.")
        .footer("  relay restore anthropic acme-1");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withPools(
        target,
        config,
        pools -> {
          pools.restore(operands.pool(), operands.key());
          context.out().println(operands.changed("is used again"));
        });
  }
}
