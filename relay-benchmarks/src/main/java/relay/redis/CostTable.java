package relay.redis;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.embedded.EmbeddedRedis;
import relay.redis.model.Share;
import relay.redis.model.Strategy;

/** Measures the scripts' cost in a real Redis and writes the report. */
final class CostTable {
  private static final List<Integer> SIZES = List.of(1, 4, 8, 10, 16, 64, 1_000, 10_000);
  private static final List<Integer> STREAMED = List.of(4, 8, 1_000);
  private static final int REPORT_SECONDS = 2; // between the reports of a stream
  private static final List<Integer> BATCHES = List.of(1, 8, 16);
  private static final int BURSTS = 40;
  private static final int TRIES = 5;

  private static final String CLIENTS = "clients";
  private static final List<String> ONLY = List.of("--only", CLIENTS);
  private static final String CLIENTS_TITLE = "\n## With budgets of clients\n";
  private static final String CLIENTS_AIM = "a client with limits: 2 budgets against none";
  private static final String MANY_AIM = "a client with limits: 10,000 clients against 10";

  private final String url;
  private final StringBuilder page = new StringBuilder();
  private String version = "";

  private CostTable(String url) {
    this.url = url;
  }

  /**
   * Arguments: the report's file, without which the report is only printed; then {@code --only}
   * {@value #CLIENTS} to measure that part alone, and keep the others.
   */
  public static void main(String... args) throws IOException {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      CostTable table = new CostTable(redis.url());
      String page =
          args.length == 1 + ONLY.size() && ONLY.equals(List.of(args).subList(1, args.length))
              ? table.clientsIn(Files.readString(Path.of(args[0])))
              : table.page();
      System.out.print(page);
      if (args.length > 0) {
        Files.writeString(Path.of(args[0]), page);
      }
    }
  }

  private String page() {
    List<MeasuredCost> single = section("By pool size", "one request a call", sizes(1));
    section("By limited dimensions", "4 keys", dimensions());
    section("By strategy", "4 keys compared, 1,000 by the index", strategies());
    List<MeasuredCost> standing =
        section("With 99 % of the keys unable", "cooling down, or used up", standing());
    List<MeasuredCost> shared = shares();
    List<MeasuredCost> streams = streams();
    for (int batch : BATCHES.subList(1, BATCHES.size())) {
      section("Calls of " + batch + " requests", "microseconds of the whole call", sizes(batch));
    }
    String clientsAim = clients();
    MeasuredCost four = single.get(SIZES.indexOf(4));
    MeasuredCost eight = single.get(SIZES.indexOf(8));
    double ten = single.get(SIZES.indexOf(10)).acquireMicros();
    double large = single.getLast().acquireMicros();
    double unable =
        standing.subList(2, 4).stream()
            .mapToDouble(MeasuredCost::acquireMicros)
            .max()
            .orElseThrow();
    return head()
        + line("4 keys, all dimensions: acquire", "%.1f us", four.acquireMicros(), "20 us")
        + line("the same: what a settle adds to its call", "%.1f us", added(four), "8 us")
        + line("8 keys, all dimensions: acquire", "%.1f us", eight.acquireMicros(), "20 us")
        + line("the same: what a settle adds to its call", "%.1f us", added(eight), "8 us")
        + line(
            "8 keys, outputs reported: acquire", "%.1f us", streams.get(1).acquireMicros(), "20 us")
        + line("the same: what a settle adds to its call", "%.1f us", added(streams.get(1)), "8 us")
        + line("the same: reports of a stream, a second", "%.1f us", perSecond(streams), "2 us")
        + line("4 keys, clients share: acquire", "%.2f x", ratio(shared, 1), "1.5 x")
        + line("the same, of batch with headroom", "%.2f x", ratio(shared, 2), "1.5 x")
        + line("4 keys: pairs a second by the scripts, at least", "%.0f", pairs(four), "35,000")
        + line("10,000 keys against 10: acquire", "%.2f x", large / ten, "2 x")
        + line("the same, 99 %% of the keys unable", "%.2f x", unable / ten, "2 x")
        + line(
            "4,000 keys of one account that is used up against 10: settle and acquire",
            "%.2f x",
            usedUp(4_000) / usedUp(10),
            "2 x")
        + clientsAim
        + page;
  }

  /** The same keys without shares, for a client with one, and for batch. */
  private List<MeasuredCost> shares() {
    page.append(
        """

        ## With shares of clients

        4 keys, in a pool that has room. A batch client leaves a part of each limit free.

        | client | acquire us | with settles us |
        |---|--:|--:|
        """);
    Workload four = Workload.of(4);
    List<MeasuredCost> costs = new ArrayList<>();
    costs.add(shareRow("none", four));
    costs.add(shareRow("weight 1", four.sharedBy(new Share("team", 2, 1, 0, 0))));
    costs.add(shareRow("batch", four.sharedBy(new Share("team", 3, 1, 100, 20))));
    costs.add(shareRow("the only one", four.sharedBy(Share.alone("team", 2, 0, 0))));
    return costs;
  }

  /** Clients' own limits with and without budgets, of few and many. Returns the aims' lines. */
  private String clients() {
    page.append(CLIENTS_TITLE);
    page.append(
        """

        Clients with limits of their own in all dimensions. This call comes with that for the key, in one round trip. The first budget is in dollars a
        month, the second in tokens of any 24 hours. In simulated time: all clients together ask 1,000 times a second, by turns.

        | clients, budgets of each | acquire us | with settles us |
        |---|--:|--:|
        """);
    List<MeasuredCost> costs = new ArrayList<>();
    for (int budgets : List.of(0, 1, 2)) {
      costs.add(clientsRow(100, budgets));
    }
    List<MeasuredCost> sizes = List.of(clientsRow(10, 0), clientsRow(10_000, 0));
    refusals();
    return line(CLIENTS_AIM, "%.2f x", ratio(costs, 2), "1.5 x")
        + line(MANY_AIM, "%.2f x", ratio(sizes, 1), "1.2 x");
  }

  private MeasuredCost clientsRow(int clients, int budgets) {
    String row = String.format(Locale.ROOT, "%,d, %d", clients, budgets);
    return shareRow(row, Workload.of(clients).ofClients(budgets));
  }

  /** Requests of clients with shares, of which a short pool refuses nine of ten. */
  private void refusals() {
    page.append(
        """

        ## With shares of clients in a pool that is short

        100 clients with weights from 1 to 5 ask for ten times what the pool has, which is 300 requests a minute, whatever they are told. Each has a place in
        the queue, and a time of its own. In simulated time; the mean of a request, of which nine of ten are refused.

        | keys | a request us |
        |---|--:|
        """);
    refusal("1", Workload.of(1).isShort());
    refusal("3", Workload.of(3).isShort());
    refusal("3, parts of an organisation", Workload.of(3).inOneAccount().isShort());
  }

  private void refusal(String keys, Workload workload) {
    try (ScriptRig rig = ScriptRig.timed(url, workload)) {
      double micros = MeasuredCost.low(BURSTS, () -> rig.refused().microsPerCall());
      page.append(String.format(Locale.ROOT, "| %s | %.1f |%n", keys, micros));
      System.err.println(workload + " refused " + micros);
    }
  }

  /** The page with that part measured anew: the last one, and the last of the aims. */
  private String clientsIn(String old) {
    measure(Workload.of(100).ofClients(0)); // the first workload is slower: what it runs is cold
    String aim = clients();
    int known = old.indexOf(CLIENTS_TITLE);
    String others =
        (known < 0 ? old : old.substring(0, known))
            .replaceFirst("\\| " + CLIENTS_AIM + " .*\\n", "")
            .replaceFirst("\\| " + MANY_AIM + " .*\\n", "");
    int aims = others.indexOf("\n\n## ") + 1; // where they end
    return others.substring(0, aims) + aim + others.substring(aims) + page;
  }

  private MeasuredCost shareRow(String client, Workload workload) {
    MeasuredCost cost = measure(workload);
    page.append(
        String.format(
            Locale.ROOT,
            "| %s | %.1f | %.1f |%n",
            client,
            cost.acquireMicros(),
            cost.bothMicros()));
    System.err.println(workload + " " + cost);
    return cost;
  }

  private static double ratio(List<MeasuredCost> costs, int n) {
    return costs.get(n).acquireMicros() / costs.getFirst().acquireMicros();
  }

  /** The same keys once with outputs that are known, and once with reports. */
  private List<MeasuredCost> streams() {
    page.append(
        """

        ## With reports of progress

        Output of unknown length: each lease reports once what it has made, 96 leases a call. Beside a window a stream reports every 2 s.

        | keys | output | acquire us | with settles us | settle alone us | a report us |
        |--:|---|--:|--:|--:|--:|
        """);
    List<MeasuredCost> reported = new ArrayList<>();
    for (int keys : STREAMED) {
      Workload known = Workload.of(keys);
      reportRow(known, "known", measure(known));
      MeasuredCost cost = measure(known.inStreams());
      reportRow(known, "reported", cost);
      reported.add(cost);
    }
    return reported;
  }

  private void reportRow(Workload workload, String output, MeasuredCost cost) {
    page.append(
        String.format(
            Locale.ROOT,
            "| %,d | %s | %.1f | %.1f | %.1f | %s |%n",
            workload.keys(),
            output,
            cost.acquireMicros(),
            cost.bothMicros(),
            cost.settleMicros(),
            cost.reportMicros() > 0
                ? String.format(Locale.ROOT, "%.1f", cost.reportMicros())
                : "-"));
    System.err.println(workload + " " + output + " " + cost);
  }

  private static double perSecond(List<MeasuredCost> streams) {
    return streams.get(1).reportMicros() / REPORT_SECONDS;
  }

  private double usedUp(int keys) {
    double least = Double.MAX_VALUE;
    for (int n = 0; n < TRIES; n++) {
      try (ScriptRig rig = new ScriptRig(url, Workload.of(keys).inOneAccount())) {
        least = Math.min(least, 2 * rig.usedUp().microsPerCall());
      }
    }
    System.err.println("used up, " + keys + " keys of an account: " + least + " us");
    return least;
  }

  private static double added(MeasuredCost cost) {
    return cost.bothMicros() - cost.acquireMicros();
  }

  private static double pairs(MeasuredCost one) {
    return 1e6 / one.bothMicros();
  }

  private static List<Workload> sizes(int batch) {
    return SIZES.stream().map(n -> Workload.of(n).batch(batch)).toList();
  }

  private static List<Workload> dimensions() {
    return List.of(1, 2, 3, 4).stream().map(n -> Workload.of(4).dimensions(n)).toList();
  }

  private static List<Workload> strategies() {
    List<Workload> all = new ArrayList<>();
    for (int keys : List.of(4, 1_000)) {
      for (Strategy strategy : Strategy.values()) {
        all.add(Workload.of(keys).strategy(strategy));
      }
    }
    return all;
  }

  private static List<Workload> standing() {
    List<Workload> all = new ArrayList<>();
    for (int keys : List.of(1_000, 10_000)) {
      all.add(Workload.of(keys).standing(Standing.COOLING));
      all.add(Workload.of(keys).standing(Standing.EXHAUSTED));
    }
    return all;
  }

  private List<MeasuredCost> section(String title, String what, List<Workload> workloads) {
    page.append(
        """

        ## %s

        %s

        | keys | dimensions | strategy | keys are | acquire us | with settles us | settle alone us | acquire / reference | pairs/s: scripts | pairs/s: all of Redis |
        |--:|--:|---|---|--:|--:|--:|--:|--:|--:|
        """
            .formatted(title, Character.toUpperCase(what.charAt(0)) + what.substring(1) + "."));
    List<MeasuredCost> costs = new ArrayList<>();
    for (Workload workload : workloads) {
      MeasuredCost cost = measure(workload);
      costs.add(cost);
      page.append(
          String.format(
              Locale.ROOT,
              "| %,d | %d | %s | %s | %.1f | %.1f | %.1f | %.2f | %,d | %,d |%n",
              workload.keys(),
              workload.dimensions(),
              workload.strategy().name().toLowerCase(Locale.ROOT),
              workload.standing().name().toLowerCase(Locale.ROOT),
              cost.acquireMicros(),
              cost.bothMicros(),
              cost.settleMicros(),
              cost.acquireMicros() / cost.referenceMicros(),
              Math.round(1e6 * workload.batch() / cost.bothMicros()),
              Math.round(1e6 / cost.cpuMicrosPerPair())));
      System.err.println(workload + " " + cost);
    }
    return costs;
  }

  private MeasuredCost measure(Workload workload) {
    try (ScriptRig rig =
        workload.isNamed() ? ScriptRig.timed(url, workload) : new ScriptRig(url, workload)) {
      version = rig.version();
      return MeasuredCost.of(rig, BURSTS);
    }
  }

  private String head() {
    return """
    # What the scripts cost Redis

    Written by `relay-benchmarks/run cost`; do not edit. Machine: %s, %d cores, JDK %s, %s.

    Microseconds of a call inside of the script, by Redis's own `INFO commandstats`, the tenth percentile of %d bursts of %d requests; each burst is one
    write, so neither client nor network is in it. Real time, a window of a minute, limits that nothing reaches; a request settles less than it
    reserved. The reference is a function of twenty `GET`s, measured between the bursts: the ratio to it says more on another machine than
    microseconds do. Leases end in the call of the next acquire ("with settles": as many as it makes); in a call of their own only when no acquire
    comes within 2 ms. Pairs a second a core: one acquire and one settle in one call, by the time of the scripts alone and by all the processor time
    of Redis's main thread, which also reads calls and writes replies. A key that cannot carry a request is parked in a large pool's index when it is first
    looked at, and what was read of a key is kept for the next call: both happened before the measurement.

    | aim | measured | at most |
    |---|--:|--:|
    """
        .formatted(
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors(),
            Runtime.version().feature(),
            version,
            BURSTS,
            ScriptRig.BURST);
  }

  private static String line(String what, String format, double measured, String most) {
    return String.format(
        Locale.ROOT, "| " + what + " | " + format + " | " + most + " |%n", measured);
  }
}
