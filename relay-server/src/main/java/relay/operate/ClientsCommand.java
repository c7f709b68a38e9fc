package relay.operate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.config.Config;

/** {@code relay clients}. */
final class ClientsCommand implements Subcommand {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final OptionSpec json =
      Operands.flag("--json", "Print the JSON of GET /clients, and nothing else");
  private final CommandContext context;

  ClientsCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("clients").addOption(json);
    spec.usageMessage()
        .description(
            "Show the limits and the use of every client.",
            "The use counts over all replicas. This machine's replica is asked at"
                + " server.admin_listen.")
        .footer("  relay clients", "  relay clients --json | jq '.clients[] | {name, used}'");
  }

  @Override
  public int run(@Nullable Path config) {
    Optional<Config> loaded =
        ConfigLookup.withoutSecrets(config, context.environment(), context.err());
    if (loaded.isEmpty()) {
      return ExitCode.USAGE;
    }
    try (AdminAccess admin = AdminAccess.to(loaded.get().server())) {
      String clients = admin.clients();
      context.out().print(json.<Boolean>getValue() ? clients + "\n" : table(clients));
      context.out().flush();
      return ExitCode.OK;
    } catch (OperationFailed e) {
      context.err().println("relay: " + e.text());
      return e.exitCode();
    }
  }

  private String table(String clients) throws OperationFailed {
    try {
      return new ClientTable(TerminalFeatures.of(context.out(), context.environment()))
          .of(JSON.readTree(clients));
    } catch (JsonProcessingException e) {
      throw OperationFailed.atRunTime("the replica's answer is not JSON; is it a Relay?");
    }
  }
}
