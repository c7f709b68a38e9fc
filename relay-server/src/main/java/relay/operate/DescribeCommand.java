package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;

/** {@code relay describe}. */
final class DescribeCommand implements Subcommand {
  private final KeyOperands operands = new KeyOperands();
  private final PoolsTarget target = new PoolsTarget();
  private final CommandContext context;

  DescribeCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("describe");
    operands.addTo(spec);
    target.addTo(spec);
    spec.usageMessage()
        .description(
            "Show all that is known of a key.",
            "Its status and why, the requests that run on it, and the use of its account's limits.")
        .footer("  relay describe anthropic acme-1");
  }

  @Override
  public int run(@Nullable Path config) {
    return context.withPools(
        target,
        config,
        pools -> {
          context.out().print(text(ReplicaJson.of(pools.json())));
          context.out().flush();
        });
  }

  private String text(JsonNode all) throws OperationFailed {
    JsonNode pool =
        find(all.path("pools"), "name", operands.pool())
            .orElseThrow(
                () -> OperationFailed.badUsage("there is no pool \"" + operands.pool() + "\""));
    JsonNode key =
        find(pool.path("keys"), "id", operands.key())
            .orElseThrow(
                () ->
                    OperationFailed.badUsage(
                        "pool %s has no key \"%s\"; `relay keys --pool %s` lists its keys"
                            .formatted(operands.pool(), operands.key(), operands.pool())));
    return KeyDescription.of(pool, key);
  }

  private static Optional<JsonNode> find(JsonNode list, String field, String value) {
    return StreamSupport.stream(list.spliterator(), false)
        .filter(one -> one.path(field).asText().equals(value))
        .findFirst();
  }
}
