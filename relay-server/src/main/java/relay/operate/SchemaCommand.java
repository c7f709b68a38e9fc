package relay.operate;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;
import relay.config.ConfigSchema;

/** {@code relay schema}. */
record SchemaCommand(CommandContext context) implements Subcommand {

  @Override
  public void describe(CommandSpec spec) {
    spec.name("schema");
    spec.usageMessage()
        .description(
            "Print the JSON Schema of the config.",
            "Editors complete and check a config whose first line is"
                + " `# yaml-language-server: $schema=relay.schema.json`.")
        .footer("  relay schema > relay.schema.json");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    context.out().print(ConfigSchema.json());
    return ExitCode.OK;
  }
}
