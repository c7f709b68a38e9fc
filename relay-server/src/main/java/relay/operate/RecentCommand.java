package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay events} and {@code relay requests}: the last records of a replica's log. */
final class RecentCommand implements Subcommand {
  private static final int CLOCK = 11; // of 2026-11-30T12:00:00.000Z
  private static final int CLOCK_END = 23;

  private final OptionSpec follow = Operands.flag("--follow", "Print new ones until Ctrl-C");
  private final OptionSpec json = Operands.flag("--json", "Print a JSON object a line");
  private final OptionSpec failed =
      Operands.flag("--failed", "Only those with a status of 400 and more, or a broken answer");
  private final AdminTarget target = new AdminTarget();
  private final String name;
  private final String description;
  private final CommandContext context;

  private RecentCommand(String name, String description, CommandContext context) {
    this.name = name;
    this.description = description;
    this.context = context;
  }

  static RecentCommand events(CommandContext context) {
    return new RecentCommand(
        "events",
        "Show the last 200 events of a replica: keys out of use and back, breakers, reloads, Redis"
            + " away and back.",
        context);
  }

  static RecentCommand requests(CommandContext context) {
    return new RecentCommand(
        "requests",
        "Show the last 200 requests of a replica, as far as its log has them (logging.requests).",
        context);
  }

  private boolean isOfRequests() {
    return name.equals("requests");
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name(name).addOption(follow).addOption(json);
    if (isOfRequests()) {
      spec.addOption(failed);
    }
    target.addTo(spec);
    spec.usageMessage()
        .description(description)
        .footer(
            "  relay " + name + " --follow", "  relay " + name + " --admin http://10.0.0.5:9091");
  }

  @Override
  public int run(@Nullable Path config) {
    String path = "/" + name + (isOfRequests() && failed.<Boolean>getValue() ? "?failed=true" : "");
    return context.withReplica(
        target,
        config,
        replica -> {
          long last = print(replica.recent(path), 0);
          while (follow.<Boolean>getValue()
              && !context.out().checkError()
              && KeysView.inASecond()) {
            last = print(replica.recent(path), last);
          }
        });
  }

  /** Prints the records with a higher number; returns the highest number. */
  private long print(String answer, long after) throws OperationFailed {
    JsonNode all = ReplicaJson.of(answer).path(name);
    long newest = all.isEmpty() ? after : all.get(all.size() - 1).path("number").asLong();
    boolean hasRestarted = newest < after;
    for (JsonNode one : all) {
      if (hasRestarted || one.path("number").asLong() > after) {
        // What others chose, such as a model's name, must not act on the terminal.
        context.out().println(json.<Boolean>getValue() ? one : text(one).replaceAll("\\p{C}", "?"));
      }
    }
    context.out().flush();
    return newest;
  }

  private static String text(JsonNode one) {
    String ts = one.path("ts").asText();
    StringBuilder text =
        new StringBuilder(ts.length() > CLOCK_END ? ts.substring(CLOCK, CLOCK_END) : ts);
    if (one.has("msg")) {
      String logger = one.path("logger").asText();
      return text.append(' ')
          .append(one.path("level").asText())
          .append(' ')
          .append(logger.substring(logger.lastIndexOf('.') + 1))
          .append(": ")
          .append(one.path("msg").asText())
          .toString();
    }
    one.properties()
        .forEach(
            member -> {
              if (!member.getKey().equals("ts") && !member.getKey().equals("number")) {
                text.append(' ').append(member.getKey()).append('=');
                text.append(member.getValue().asText());
              }
            });
    return text.toString();
  }
}
