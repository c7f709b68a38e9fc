package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay keys}. */
final class KeysCommand implements Subcommand {
  private final OptionSpec watch = Operands.flag("--watch", "Refresh every second until Ctrl-C");
  private final OptionSpec json =
      Operands.flag("--json", "Print the JSON of GET /pools, and nothing else");
  private final OptionSpec pool = Operands.option("--pool", "POOL", "Only this pool");
  private final OptionSpec status =
      Operands.option(
          "--status", "STATUS", "Only keys that are quarantined, cooling, draining or active");
  private final OptionSpec sort =
      Operands.option("--sort", "ORDER", "status (the default: problems first), in-flight or id");
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  KeysCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("keys").addOption(watch).addOption(json);
    spec.addOption(pool).addOption(status).addOption(sort);
    target.addTo(spec);
    spec.usageMessage()
        .description(
            "Show the usage of every key and group.",
            "Reads Redis: used and limit of each dimension, requests in flight, cooldown, status.")
        .footer(
            "  relay keys --watch",
            "  relay keys --status quarantined",
            "  relay keys --json | jq '.pools[].keys[] | select(.status != \"active\")'");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withPools(
        target,
        config,
        pools ->
            new KeysView(
                    pools,
                    context.out(),
                    TerminalFeatures.of(context.out(), context.environment()),
                    KeysFilter.of(pool.getValue(), status.getValue(), order()))
                .run(watch.<Boolean>getValue(), json.<Boolean>getValue()));
  }

  private @Nullable String order() {
    String given = sort.getValue();
    return given == null && !json.<Boolean>getValue() ? "status" : given;
  }
}
