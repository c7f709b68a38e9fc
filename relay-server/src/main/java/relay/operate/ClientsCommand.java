package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay clients}. */
final class ClientsCommand implements Subcommand {
  private final OptionSpec json =
      Operands.flag("--json", "Print the JSON of GET /clients, and nothing else");
  private final AdminTarget target = new AdminTarget();
  private final CommandContext context;

  ClientsCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("clients").addOption(json);
    target.addTo(spec);
    spec.usageMessage()
        .description(
            "Show the limits and the use of every client.",
            "The use counts over all replicas. This machine's replica is asked at"
                + " server.admin_listen.")
        .footer("  relay clients", "  relay clients --json | jq '.clients[] | {name, used}'");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withReplica(
        target,
        config,
        replica -> {
          String clients = replica.clients();
          context.out().print(json.<Boolean>getValue() ? clients + "\n" : table(clients));
          context.out().flush();
        });
  }

  private String table(String clients) throws OperationFailed {
    return new ClientTable(TerminalFeatures.of(context.out(), context.environment()))
        .of(ReplicaJson.of(clients));
  }
}
