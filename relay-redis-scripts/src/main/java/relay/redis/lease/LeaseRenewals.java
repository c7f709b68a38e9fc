package relay.redis.lease;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Accounting;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.script.BudgetLines;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;

/**
 * The live leases of this replica. Renews each after a third of the time to its expiry. A lease
 * that Redis has forgotten meanwhile is counted again. A renewal carries the report of the output
 * that was made, and then comes as often as {@link ReportPace} says.
 */
public final class LeaseRenewals {
  private static final int BATCH = 100;
  private static final double NEARLY = 0.9; // of a limit
  private static final long SPENT = 2; // the answer of `report` for a lease whose request must end

  private final PoolScripts scripts;
  private final Duration every;
  private final Supplier<@Nullable PoolSnapshot> latest;
  private final Map<String, Renewal> live = new ConcurrentHashMap<>(); // by lease id

  /**
   * @param at when the lease was granted or renewed, in nanoseconds
   */
  private record Renewal(TrackedLease lease, long at) {}

  /**
   * @param lease time from a grant or renewal to the lease's expiry
   * @param latest the pool as it was seen last
   */
  public LeaseRenewals(
      PoolScripts scripts, Duration lease, Supplier<@Nullable PoolSnapshot> latest) {
    this.scripts = scripts;
    this.latest = latest;
    every = lease.dividedBy(3);
  }

  /** A lease begins. */
  public void add(TrackedLease lease) {
    live.put(lease.id(), new Renewal(lease, System.nanoTime()));
  }

  /** A lease has ended. */
  public void remove(String id) {
    live.remove(id);
  }

  /** The live leases. */
  public List<TrackedLease> leases() {
    return live.values().stream().map(Renewal::lease).toList();
  }

  /** Whether a group has a live lease beside this one. */
  public boolean hasBeside(Lease lease) {
    return live.values().stream()
        .map(Renewal::lease)
        .anyMatch(other -> other != lease && other.group().equals(lease.group()));
  }

  /** Number of live leases. */
  public int size() {
    return live.size();
  }

  public boolean isEmpty() {
    return live.isEmpty();
  }

  /** Ids of live leases. For tests. */
  Set<String> ids() {
    return Set.copyOf(live.keySet());
  }

  /** Renews the leases that are due. If a call fails, its leases are due again at once. */
  public void renewDue() {
    long now = System.nanoTime();
    Function<TrackedLease, ReportPace> paces = paces();
    List<TrackedLease> due = new ArrayList<>();
    live.forEach(
        (id, renewal) -> {
          TrackedLease lease = renewal.lease();
          boolean reports = lease.isReported() || lease.reportsMade();
          Duration often = reports ? paces.apply(lease).every() : every;
          if (now - renewal.at() >= often.toNanos()
              && live.replace(id, renewal, new Renewal(lease, now))) {
            due.add(lease);
          }
        });
    for (int from = 0; from < due.size(); from += BATCH) {
      renewSome(due.subList(from, Math.min(due.size(), from + BATCH)), paces, now);
    }
  }

  private ReportPace pace(Accounting rule, double bucket) {
    PoolPlan plan = scripts.plan();
    return ReportPace.of(rule, plan.window(), plan.burstRatio() * bucket, every);
  }

  /** A size that answers prove to be nearly the whole limit is reported as the whole limit. */
  private static double bucketOf(GroupState group, Accounting accounting) {
    return accounting == Accounting.AUTO && group.burst() >= NEARLY ? 1 : group.burst();
  }

  /**
   * A group has a pace of its own where the provider is known to hold less than the limit, or
   * answers decide its rule.
   */
  private Function<TrackedLease, ReportPace> paces() {
    Accounting accounting = scripts.plan().accounting();
    PoolSnapshot pool = live.isEmpty() ? null : latest.get();
    Map<String, ReportPace> small =
        pool == null
            ? Map.of()
            : pool.groups().stream()
                .filter(group -> group.burst() < 1 || accounting == Accounting.AUTO)
                .collect(
                    Collectors.toMap(
                        GroupState::id,
                        group -> pace(group.rule(), bucketOf(group, accounting)),
                        (first, _) -> first));
    ReportPace other = pace(accounting, 1);
    return lease -> small.getOrDefault(lease.group(), other);
  }

  private void renewSome(
      List<TrackedLease> all, Function<TrackedLease, ReportPace> paces, long now) {
    List<TrackedLease> others = all.stream().filter(lease -> !lease.reportsMade()).toList();
    if (!others.isEmpty()) {
      countAgain(renew(others, lease -> reportOf(lease, paces.apply(lease)), now), now);
    }
    List<TrackedLease> counted = all.stream().filter(TrackedLease::reportsMade).toList();
    if (!counted.isEmpty()) {
      countAgain(report(counted, now), now);
    }
  }

  private void countAgain(CompletableFuture<List<TrackedLease>> calling, long now) {
    var _ =
        calling.thenAccept(
            forgotten -> {
              if (!forgotten.isEmpty()) {
                var _ = renew(forgotten, LeaseRenewals::grantOf, now);
              }
            });
  }

  private CompletableFuture<List<TrackedLease>> renew(
      List<TrackedLease> some, Function<TrackedLease, String> text, long now) {
    return call(some, scripts.renew(some.stream().map(text).toList()), now);
  }

  /** Reports what the requests of leases have made. */
  private CompletableFuture<List<TrackedLease>> report(List<TrackedLease> some, long now) {
    BudgetLines budgets = scripts.candidates().budgets();
    List<String> reports = new ArrayList<>();
    for (TrackedLease lease : some) {
      Lease.Made made = Objects.requireNonNull(lease.made());
      lease.counted(made); // if the call fails, the next one counts it
      reports.add(
          lease.id()
              + " "
              + made.outputTokens()
              + " "
              + lease.beyondReserved(made)
              + " "
              + ScriptCaller.text(budgets.line(lease.key())));
    }
    CompletableFuture<Reply> reply = scripts.report(reports);
    var _ = reply.thenAccept(told -> endSpent(some, told));
    return call(some, reply, now);
  }

  private void endSpent(List<TrackedLease> some, Reply told) {
    for (int n = 0; told instanceof Reply.Done done && n < some.size(); n++) {
      if (done.number(n + 2) == SPENT && live.containsKey(some.get(n).id())) {
        some.get(n).spent();
      }
    }
  }

  /** Returns those of the leases that are still live here, but not in Redis. */
  private CompletableFuture<List<TrackedLease>> call(
      List<TrackedLease> some, CompletableFuture<Reply> calling, long now) {
    return calling.handle(
        (reply, failure) -> {
          if (failure != null) {
            some.forEach(
                lease ->
                    live.computeIfPresent(
                        lease.id(), (id, r) -> new Renewal(r.lease(), now - every.toNanos())));
          }
          List<TrackedLease> forgotten = new ArrayList<>();
          for (int n = 0; reply instanceof Reply.Done done && n < some.size(); n++) {
            TrackedLease lease = some.get(n);
            // one that is charged in a call of its own gets its record by that
            if (done.number(n + 2) == 0
                && live.containsKey(lease.id())
                && lease.countedEpoch() != 0) {
              forgotten.add(lease);
            }
          }
          return forgotten;
        });
  }

  /** The lease's id, and its report if it has one. */
  private static String reportOf(TrackedLease lease, ReportPace pace) {
    Lease.Progress told = lease.progress(pace.within());
    if (told == null) {
      return lease.id();
    }
    lease.reported(told);
    return lease.id() + " " + told.made() + " " + told.rest() + " " + told.spread();
  }

  /** The form that {@code renew} reads. */
  private static String grantOf(TrackedLease l) {
    return String.join(
        " ",
        l.id(),
        l.key(),
        l.group(),
        Long.toString(l.epoch()),
        Long.toString(l.grantedMicros()),
        Long.toString(l.inputTokens()),
        Long.toString(l.toldOutput()));
  }
}
