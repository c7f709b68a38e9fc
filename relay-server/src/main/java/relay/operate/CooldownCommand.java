package relay.operate;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay cooldown}. */
final class CooldownCommand implements Subcommand {
  private final KeyOperands operands = new KeyOperands();
  private final PositionalParamSpec duration =
      Operands.duration(
          "DURATION", "A number with ms, s, m, h or d, up to 30 days: 500ms, 90s, 5m, 1h, 7d");
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  CooldownCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("cooldown");
    operands.addTo(spec);
    target.addTo(spec);
    spec.addPositional(duration);
    spec.usageMessage()
        .description("Keep a key unused for a while, in all replicas.")
        .footer("  relay cooldown anthropic acme-1 90s");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withPools(
        target,
        config,
        pools -> {
          Duration length = duration.getValue();
          pools.cooldown(operands.pool(), operands.key(), length);
          context
              .out()
              .println(operands.changed("is not used for " + Durations.text(length.toMillis())));
        });
  }
}
