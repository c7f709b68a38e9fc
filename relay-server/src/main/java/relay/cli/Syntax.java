package relay.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The commands: what each takes, and its texts of help. */
enum Syntax {
  SERVE(
      "",
      "",
      "Run a replica",
      """
      Serves clients until SIGTERM or Ctrl-C, which let open requests finish (server.drain_ms).
      """),
  TRY(
      "",
      "",
      "See Relay at work, with no account and no set-up",
      """
      Starts a Redis of its own, a simulated provider that enforces limits, and two replicas; sends a
      few hundred requests, shows the usage of the keys meanwhile, and sums up. Takes half a minute.
      """),
  CHECK(
      "",
      "",
      "Validate a config",
      """
      Prints every fault as FILE:LINE:COLUMN: path.to.value: what is wrong; what is allowed.
      """),
  KEYS(
      "--watch --json",
      "",
      "Show the usage of every key and group",
      """
      --watch refreshes until Ctrl-C; --json prints JSON as GET /pools gives it, and nothing else.
      Reads Redis: used and limit of each dimension, requests in flight, cooldown and status.
      """),
  COOLDOWN(
      "",
      "POOL KEY DURATION",
      "Keep a key unused for a while, in all replicas",
      """
      POOL is a provider's name, KEY a key's id: `relay keys` lists both.
      DURATION is a number with ms, s, m or h, up to 30 days: 500ms, 90s, 5m, 1h.
      """),
  QUARANTINE(
      "",
      "POOL KEY",
      "Keep a key unused until it is restored, in all replicas",
      """
      POOL is a provider's name, KEY a key's id: `relay keys` lists both.
      """),
  RESTORE(
      "",
      "POOL KEY",
      "Use a key again, in all replicas",
      """
      POOL is a provider's name, KEY a key's id: `relay keys` lists both.
      """),
  VERSION("", "", "Print version, commit and Java", "");

  private static final String CONFIG =
      """
        --config FILE    default: relay.yaml here, else $XDG_CONFIG_HOME/relay/relay.yaml, else
                         /etc/relay/relay.yaml
      """;

  private final String flags;
  private final String operands;
  private final String summary;
  private final String details;

  Syntax(String flags, String operands, String summary, String details) {
    this.flags = flags;
    this.operands = operands;
    this.summary = summary;
    this.details = details;
  }

  /** What the user types. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  List<String> flags() {
    return words(flags);
  }

  List<String> operands() {
    return words(operands);
  }

  static Optional<Syntax> named(String word) {
    return Arrays.stream(values()).filter(syntax -> syntax.word().equals(word)).findFirst();
  }

  static List<String> names() {
    return Arrays.stream(values()).map(Syntax::word).toList();
  }

  private static List<String> words(String line) {
    return line.isEmpty() ? List.of() : List.of(line.split(" "));
  }

  String usage() {
    StringBuilder line = new StringBuilder("relay ").append(word());
    operands().forEach(operand -> line.append(' ').append(operand));
    flags().forEach(flag -> line.append(" [").append(flag).append(']'));
    return line.append(" [--config FILE]").toString();
  }

  String help() {
    return summary
        + ".\n\nUsage: "
        + usage()
        + "\n\n"
        + details
        + (details.isEmpty() ? "" : "\n")
        + CONFIG;
  }

  static String overview() {
    StringBuilder text =
        new StringBuilder("Relay: one key pool for LLM APIs, with exact limits.\n\n")
            .append("Usage: relay COMMAND [--config FILE]\n\n");
    for (Syntax syntax : values()) {
      text.append(String.format(Locale.ROOT, "  %-12s %s\n", syntax.word(), syntax.summary));
    }
    return text.append("\nNew here: `relay try`. More on a command: `relay COMMAND --help`.\n")
        .append("Exit codes: 0 ok, 1 failure at run time, 2 bad usage or config.\n")
        .toString();
  }
}
