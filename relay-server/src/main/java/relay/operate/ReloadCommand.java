package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;
import relay.config.Config;

/** {@code relay reload}. */
record ReloadCommand(CommandContext context) implements Subcommand {

  @Override
  public void describe(CommandSpec spec) {
    spec.name("reload");
    spec.usageMessage()
        .description(
            "Have this machine's replica read its config again.",
            "A replica does so by itself within 5 seconds of a change. This prints what has"
                + " changed, or every fault; then nothing has changed. The replica is asked at"
                + " server.admin_listen.")
        .footer("  relay reload", "  relay reload --config deploy/relay.yaml");
  }

  @Override
  public int run(@Nullable Path config) {
    Optional<Config> loaded =
        ConfigLookup.load(config, context.environment(), context.err()); // prints the faults
    if (loaded.isEmpty()) {
      return ExitCode.USAGE;
    }
    try (AdminAccess admin = AdminAccess.to(loaded.get().server())) {
      AdminAccess.Reloaded answer = admin.reload();
      return answer.taken() ? taken(answer.body()) : refused(answer.body());
    } catch (OperationFailed e) {
      context.err().println("relay: " + e.text());
      return e.exitCode();
    }
  }

  private int taken(JsonNode answer) {
    PrintStream out = context.out();
    List<String> changes = lines(answer.path("changes"));
    changes.forEach(out::println);
    String hash = answer.path("hash").asText();
    String since = answer.path("since").asText();
    // The replica may have seen the change before this command asked
    out.println(
        changes.isEmpty()
            ? "Already running this file, config %s, since %s.".formatted(hash, since)
            : "Config %s, in effect since %s: %d changed.".formatted(hash, since, changes.size()));
    List<String> later = lines(answer.path("need_restart"));
    if (!later.isEmpty()) {
      out.println("From the next start: " + String.join(", ", later));
    }
    return ExitCode.OK;
  }

  /** The replica may read another file, or have another environment, than this command. */
  private int refused(JsonNode answer) {
    lines(answer.path("faults")).forEach(context.err()::println);
    context.err().println("relay: the replica refuses the config; nothing has changed");
    return ExitCode.USAGE;
  }

  private static List<String> lines(JsonNode array) {
    List<String> lines = new ArrayList<>();
    array.forEach(line -> lines.add(line.asText()));
    return lines;
  }
}
