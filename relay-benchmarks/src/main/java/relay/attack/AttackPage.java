package relay.attack;

import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import relay.load.Latencies;

/**
 * The results as Markdown.
 *
 * @param calmMillis how long after the end everything was given back; negative = not in time
 * @param uncounted requests that reached the provider round the counted endpoints
 * @param conversations of a resting client that went on at their account after the end
 */
record AttackPage(
    AttackOptions options,
    Target target,
    Normal normal,
    ReplicaFigures before,
    Most most,
    ReplicaFigures after,
    long calmMillis,
    AttackedReplica replica,
    long uncounted,
    int conversations) {
  private static final double MIB = 1 << 20;

  String text() {
    return head() + rows() + parts();
  }

  private String head() {
    return String.format(
        Locale.ROOT,
        """
        # A replica under attack

        Written by `relay-benchmarks/run attack`; do not edit. [How to read it](README.md#attack). %d s; %s, %d cores, JDK %d.
        The replica had a heap of 256 MB and 2,048 file descriptors, and HTTP/2 %s. The provider and all clients, normal and not, shared the machine with it.

        | | aim | found |
        |---|--:|--:|
        """,
        options.time().toSeconds(),
        System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        Runtime.version().feature(),
        options.http2() ? "on" : "off");
  }

  private String rows() {
    int failed = normal.failures().values().stream().mapToInt(Integer::intValue).sum();
    return row("failed normal requests, of " + (normal.good() + failed), "0", failed + "")
        + row("delay of an event, p50 / p99 / most, ms", "p99 < 50", times(normal.events()))
        + row("the same without Relay in between, ms", "", times(normal.direct()))
        + row("time of a small request, p50 / p99 / most, ms", "", times(normal.asks()))
        + row(
            "memory charged to peers, most, MiB",
            String.format(Locale.ROOT, "<= %.0f", after.budgetBytes() / MIB),
            String.format(Locale.ROOT, "%.0f", most.chargedBytes() / MIB))
        + row(
            "used heap, garbage included, most, MiB",
            "<= 256",
            String.format(Locale.ROOT, "%.0f", most.heapBytes() / MIB))
        + row(
            "resident memory of the process, most, MiB",
            "<= 560",
            String.format(Locale.ROOT, "%.0f", most.residentBytes() / MIB))
        + row("the same process at the end", "yes", replica.isAlive() ? "yes" : "no")
        + row(
            "file descriptors: before, most, after",
            "",
            before.descriptors() + ", " + most.descriptors() + ", " + after.descriptors())
        + row(
            "of these of clients and operators: before, after, with unread bytes",
            "",
            before.clients() + ", " + after.clients() + ", " + after.unread())
        + row("requests and leases after the end", "0", after.requests() + ", " + after.leases())
        + row("memory charged after the end, bytes", "0", after.chargedBytes() + "")
        + row(
            "everything given back after the end, s",
            "<= 60",
            calmMillis < 0 ? "no" : String.format(Locale.ROOT, "%.1f", calmMillis / 1e3))
        + row("connections to Redis given up", "0", replica.log().redisLost() + "")
        + row("requests that reached the provider uncounted", "0", uncounted + "")
        + row(
            "conversations of a resting client at their account, of " + Conversations.NUMBER,
            Conversations.NUMBER + "",
            conversations + "")
        + row("lines of the log at warn or above", "", replica.log().serious() + "")
        + row("lines of the log dropped", "", after.linesDropped() - before.linesDropped() + "")
        + row(
            "pauses of 100 ms in accepting clients",
            "",
            after.acceptPauses() - before.acceptPauses() + "")
        + row(
            "readings of `/metrics` and `/pools` that failed, of " + (most.looks() + most.failed()),
            "",
            most.failed() + "");
  }

  private static String row(String what, String aim, String found) {
    return "| " + what + " | " + aim + " | " + found + " |\n";
  }

  private static String times(Latencies latencies) {
    return String.format(
        Locale.ROOT,
        "%.1f / %.1f / %.0f",
        latencies.millis(0.5),
        latencies.millis(0.99),
        latencies.millis(1));
  }

  private String parts() {
    StringBuilder text = new StringBuilder("\n| attack | its attackers saw |\n|---|---|\n");
    for (Part part : options.parts()) {
      Map<String, Integer> seen = target.outcomes(AttackOptions.name(part));
      text.append("| ").append(part.what()).append(" | ").append(list(seen)).append(" |\n");
    }
    if (!normal.failures().isEmpty()) {
      text.append("\nFailed normal requests: ").append(list(normal.failures())).append(".\n");
    }
    return text.toString();
  }

  private static String list(Map<String, Integer> counts) {
    return counts.entrySet().stream()
        .map(entry -> entry.getValue() + " × " + entry.getKey())
        .collect(Collectors.joining("; "));
  }
}
