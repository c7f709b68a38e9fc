package relay.trial;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import relay.trial.TrialResult.AccountResult;
import relay.trial.load.LoadTally;
import relay.trial.workers.Manner;
import relay.trial.workers.WorkerTally;
import relay.trial.workers.WorkerTally.Count;

/**
 * What a run with workers measured.
 *
 * @param account by the provider's own log
 * @param measured how long, and {@code before} how long the load had run then
 * @param workers what they did, over the whole run, by their manner
 * @param load what the proxy's clients saw, over the whole run
 * @param deaths the killed workers
 * @param unsent requests of the killed workers' leases that were never sent
 * @param provider429 429s of the provider beyond those it was ordered to give
 * @param slots what Redis still held at last
 * @param slotsAfter how long it took after the last work
 */
record WorkersResult(
    WorkersPlan plan,
    AccountResult account,
    Duration measured,
    Duration before,
    Map<Manner, WorkerTally> workers,
    LoadTally.Counts load,
    int deaths,
    long unsent,
    long provider429,
    LeaseSlots slots,
    Duration slotsAfter) {

  WorkersResult {
    workers = Map.copyOf(workers);
  }

  private long all(Count what) {
    return workers.values().stream().mapToLong(tally -> tally.of(what)).sum();
  }

  private long errors() {
    return load.errors() + all(Count.ERRORS);
  }

  private String firstError() {
    return workers.values().stream()
        .map(WorkerTally::firstError)
        .filter(error -> !error.isEmpty())
        .findFirst()
        .orElse(load.firstError());
  }

  boolean capacityHolds() {
    return account.binding() >= TrialResult.PROMISED_SHARE;
  }

  boolean providerHolds() {
    return provider429 == 0 && load.upstream429() == 0 && all(Count.PROVIDER_429) == 0;
  }

  boolean injectionHolds() {
    return all(Count.INJECTED) == plan.refused();
  }

  boolean slotsHold() {
    return deaths == plan.killed() && slots.areFree();
  }

  boolean answersHold() {
    return errors() == 0 && load.exact429() == load.relay429();
  }

  boolean holds() {
    return capacityHolds() && providerHolds() && injectionHolds() && slotsHold() && answersHold();
  }

  /** The result as text. */
  List<String> draw(Style style) {
    Summary summary = new Summary(style);
    List<String> lines = new ArrayList<>(summary.shares(List.of(account)));
    lines.add("");
    lines.add(summary.head("who", List.of("processes", "leases", "requests"), ""));
    lines.add(row(style, "the proxy", 2, "-", load.granted(), "clients' requests"));
    for (Manner manner : Manner.values()) {
      WorkerTally tally = workers.getOrDefault(manner, new WorkerTally());
      long processes = plan.manners().stream().filter(manner::equals).count();
      lines.add(
          row(
              style,
              manner.name().toLowerCase(Locale.ROOT),
              processes,
              Figures.count(tally.of(Count.LEASES)),
              tally.of(Count.REQUESTS),
              note(manner, tally)));
    }
    lines.add("");
    lines.add(
        summary.promise(
            capacityHolds(),
            "capacity used",
            Figures.percent(account.binding()),
            "promised 99 %; leased by the dead, unsent: " + unsent));
    lines.add(
        summary.promise(
            providerHolds(),
            "provider 429s",
            Figures.count(provider429),
            "beyond those it was told to give"));
    lines.add(
        summary.promise(
            injectionHolds(),
            "told to give",
            Figures.count(all(Count.INJECTED)),
            "workers reported them to Relay"));
    lines.add(
        summary.promise(
            slotsHold(),
            "slots held",
            Figures.count(Math.max(slots.leases(), Math.max(slots.open(), slots.inFlight()))),
            Figures.seconds(slotsAfter) + " after the end; killed in a lease: " + deaths));
    lines.add(
        summary.promise(
            answersHold(),
            "errors",
            Figures.count(errors()),
            firstError().isEmpty() ? "" : "first: " + firstError()));
    lines.add(
        summary.fact(
            "measured",
            Figures.seconds(measured),
            measured.dividedBy(plan.load().window())
                + " windows, after "
                + Figures.seconds(before)
                + " to fill the pool"));
    lines.add("");
    lines.add(
        "  "
            + (holds()
                ? style.good(style.glyphs().good() + " The promise holds.")
                : style.bad(style.glyphs().bad() + " The promise did not hold.")));
    return lines;
  }

  private static String note(Manner manner, WorkerTally tally) {
    String number =
        switch (manner) {
          case SINGLE -> "";
          case BULK -> Figures.count(tally.of(Count.UNSENT));
          case RENEWING -> Figures.count(tally.of(Count.RENEWALS));
          case LATE -> Figures.count(tally.of(Count.LATE));
        };
    return (manner.text() + number).strip();
  }

  private static String row(
      Style style, String who, long processes, String leases, long requests, String note) {
    return "  "
        + Figures.left(who, 14)
        + Figures.right(Long.toString(processes), 10)
        + Figures.right(leases, 10)
        + Figures.right(Figures.count(requests), 10)
        + style.dim("   " + note);
  }
}
