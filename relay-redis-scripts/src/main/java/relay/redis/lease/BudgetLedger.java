package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.Usage;
import relay.redis.script.BudgetLines;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;

/**
 * What a replica knows of budgets: reads those in use every two seconds and of many the others by
 * turns, tells Redis again what it knew when Redis has lost them, and adds what it let pass without
 * Redis. If almost all of a budget is spent, one replica logs that, once a period.
 */
public final class BudgetLedger {
  private static final Logger log = LoggerFactory.getLogger(BudgetLedger.class);
  private static final int TICKS = 4;
  private static final int BATCH = 100;
  private static final int TURN = 200; // keys that are read every two seconds, used or not

  private final RedisLink link;
  private final PoolScripts scripts;
  private final LongSupplier nanoTime;
  private final Map<String, Known> known = new ConcurrentHashMap<>();
  private final PassedSpending unsent;
  private volatile String made = ""; // the hash that is known
  private volatile @Nullable Loss loss; // the last
  private CompletableFuture<Void> telling = CompletableFuture.completedFuture(null);
  private CompletableFuture<Void> reading = CompletableFuture.completedFuture(null);
  private final Set<String> used = ConcurrentHashMap.newKeySet(); // since the last reading
  private int ticks;
  private int turn; // the first key of the next

  /**
   * What a key has spent.
   *
   * @param askedAt by this replica's clock: grants that it knew of before are part of it
   * @param made the hash that said so
   */
  private record Known(List<Budget.Spent> spent, long askedAt, String made) {
    boolean has(TrackedLease lease) {
      return askedAt - lease.recentNanos() > 0;
    }

    /**
     * What is spent of a budget now: nothing of a calendar's period that is over since. A budget is
     * known by its label, because a change of its limit does not change what was spent.
     */
    Budget.Spent of(Budget budget, long now) {
      for (Budget.Spent one : spent) {
        if (one.budget().label().equals(budget.label())) {
          return aged(budget, one, now - askedAt);
        }
      }
      return nothing(budget);
    }

    private static Budget.Spent aged(Budget budget, Budget.Spent one, long nanos) {
      Duration left = budget.rolling() ? one.left() : one.left().minusNanos(nanos);
      return budget.rolling() || left.isPositive()
          ? new Budget.Spent(budget, one.spent(), left)
          : nothing(budget);
    }
  }

  /**
   * Redis has lost its hash.
   *
   * @param made the one that took its place
   * @param before the spending that was known before, which goes into the new hash
   */
  private record Loss(String made, Map<String, Known> before) {}

  public BudgetLedger(RedisLink link, PoolScripts scripts, LongSupplier nanoTime) {
    this.link = link;
    this.scripts = scripts;
    this.nanoTime = nanoTime;
    unsent = new PassedSpending(nanoTime);
  }

  /** The spending that is known; none if nothing is known. */
  public List<Budget.Spent> spent(String key) {
    return spent(scripts.candidates().budgets().of(key), known.get(key));
  }

  private List<Budget.Spent> spent(List<Budget> now, @Nullable Known last) {
    long time = nanoTime.getAsLong();
    return now.stream()
        .map(budget -> last == null ? nothing(budget) : last.of(budget, time))
        .toList();
  }

  private static Budget.Spent nothing(Budget budget) {
    return new Budget.Spent(budget, 0, Duration.ZERO);
  }

  /** Whether the lease's key has budgets. */
  boolean counts(Lease lease) {
    return !scripts.candidates().budgets().of(lease.key()).isEmpty();
  }

  /**
   * What a lease adds to its key's budgets when Redis has lost it: after a failover everything.
   * After a loss of all, only if it is not a part of what was known before and is told again.
   */
  PendingUpdate.Spent again(TrackedLease lease, long nanodollars, long tokens) {
    Loss last = loss;
    Known before = last == null ? null : last.before().get(lease.key());
    if (!counts(lease) || (before != null && before.has(lease))) {
      return PendingUpdate.Spent.NOTHING;
    }
    Known now = known.get(lease.key());
    return new PendingUpdate.Spent(
        nanodollars,
        tokens,
        ScriptCaller.text(scripts.candidates().budgets().line(lease.key())),
        now != null && now.has(lease) ? now.made() : PendingUpdate.Spent.NONE);
  }

  /** The use of a lease beyond its reservation in the key's budgets: no hash has counted it. */
  PendingUpdate.Spent beyond(TrackedLease lease, Usage used) {
    if (!counts(lease)) {
      return PendingUpdate.Spent.NOTHING;
    }
    long reserved = lease.inputTokens() + lease.budgetedOutput();
    return new PendingUpdate.Spent(
        Math.max(0, lease.usedNanodollars() - lease.budgetedNanodollars()),
        Math.max(0, used.totalTokens() - reserved),
        ScriptCaller.text(scripts.candidates().budgets().line(lease.key())),
        PendingUpdate.Spent.NONE);
  }

  /** A request ended that Redis did not grant: its usage is added later. */
  public void passed(Lease lease, long nanodollars) {
    Usage usage = lease.charged();
    if (usage == null || !counts(lease)) {
      return;
    }
    for (Budget.Spent one : spent(lease.key())) {
      boolean dollars = one.budget().unit() == Budget.Unit.USD;
      unsent.add(lease.key(), one, dollars ? nanodollars : usage.totalTokens());
    }
    used.add(lease.key()); // so that the first reading after the outage tells it
  }

  /** Without Redis: whether a budget was spent when Redis was last asked, or since. */
  @Nullable
  public Acquisition refusal(Demand demand) {
    if (scripts.isShadow(demand)) {
      return null;
    }
    Acquisition.OverBudget last = null; // as Redis: the one that opens last
    for (Budget.Spent one : spent(demand.key())) {
      boolean dollars = one.budget().unit() == Budget.Unit.USD;
      long cost = dollars ? demand.cost() : demand.inputTokens() + demand.outputTokens();
      if (one.spent() + unsent.of(demand.key(), one.budget()) + cost > one.budget().limit()
          && (last == null || one.left().compareTo(last.left()) > 0)) {
        last = new Acquisition.OverBudget(one.budget(), one.left());
      }
    }
    return last;
  }

  /** A lease of the key begins or ends here: the next reading reads its budgets. */
  public void uses(String key) {
    if (!scripts.candidates().budgets().of(key).isEmpty()) {
      used.add(key);
    }
  }

  /** Called twice a second. */
  public synchronized void tick() {
    if (link.isUp() && ticks++ % TICKS == 0 && reading.isDone()) {
      BudgetLines budgets = scripts.candidates().budgets();
      known.keySet().removeIf(key -> budgets.of(key).isEmpty());
      List<String> now = List.copyOf(used);
      now.forEach(used::remove);
      Set<String> next = new LinkedHashSet<>(now);
      next.removeIf(key -> budgets.of(key).isEmpty());
      List<String> all = budgets.keys();
      for (int n = 0; n < Math.min(TURN, all.size()); n++) {
        next.add(all.get((turn + n) % all.size()));
      }
      turn = all.size() > TURN ? (turn + TURN) % all.size() : 0;
      reading =
          read(next)
              .exceptionally(
                  failure -> {
                    used.addAll(now); // the next tick tries again
                    return null;
                  });
    }
  }

  /** Whether it reads nothing now. */
  synchronized boolean isQuiet() {
    return reading.isDone();
  }

  /** Reads what these keys have spent. */
  public CompletableFuture<Void> read(Collection<String> keys) {
    List<String> all = List.copyOf(keys);
    CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    for (int from = 0; from < all.size(); from += BATCH) {
      List<String> some = all.subList(from, Math.min(all.size(), from + BATCH));
      done = done.thenCompose(before -> read(some, null));
    }
    return done;
  }

  /**
   * @param lost what to tell again; null to read only
   */
  private CompletableFuture<Void> read(List<String> keys, @Nullable Loss lost) {
    long askedAt = nanoTime.getAsLong();
    List<byte[]> args = new ArrayList<>(List.of(ScriptCaller.NONE));
    Map<String, List<Budget>> asked = new HashMap<>();
    Map<String, Map<String, PassedSpending.Sum>> sent = new HashMap<>();
    BudgetLines now = scripts.candidates().budgets();
    for (String key : keys) {
      List<Budget> some = now.of(key);
      asked.put(key, some);
      Map<String, PassedSpending.Sum> more = unsent.take(key);
      if (!more.isEmpty()) {
        sent.put(key, more);
      }
      args.add(now.line(key));
      StringBuilder told = new StringBuilder();
      for (Budget.Spent before : spent(some, lost == null ? null : lost.before().get(key))) {
        told.append(' ').append(before.spent());
        told.append(' ').append(unsent.of(more, before.budget()));
      }
      args.add(bytes(told.toString()));
    }
    byte[][] key = {scripts.candidates().budgetsKey()};
    return link.call(ScriptFile.BUDGETS, key, args.toArray(byte[][]::new))
        .whenComplete((reply, failure) -> keepUnsent(sent, failure))
        .thenCompose(
            reply -> {
              String of = Reply.text(reply.get(2));
              if (lost == null && !made.isEmpty() && !made.equals(of)) {
                return tellAgain(of);
              }
              made = made.isEmpty() ? of : made;
              take(keys, asked, reply, askedAt);
              return CompletableFuture.completedFuture(null);
            });
  }

  /**
   * Redis has lost the budgets: sends the spending of all keys. A call that fails is repeated with
   * the next.
   */
  private synchronized CompletableFuture<Void> tellAgain(String of) {
    Loss last = loss;
    if (last == null || !last.made().equals(of)) {
      log.warn(
          "Redis has lost what clients spent of their budgets; it is told again what is known");
      boolean untold = last != null && !last.made().equals(made);
      last = new Loss(of, last != null && untold ? last.before() : Map.copyOf(known));
      loss = last;
    } else if (!telling.isDone()) {
      return telling;
    }
    telling = tell(last);
    return telling;
  }

  private CompletableFuture<Void> tell(Loss lost) {
    List<String> all = scripts.candidates().budgets().keys();
    CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    for (int from = 0; from < all.size(); from += BATCH) {
      List<String> some = all.subList(from, Math.min(all.size(), from + BATCH));
      done = done.thenCompose(before -> read(some, lost));
    }
    return done.thenRun(() -> made = lost.made());
  }

  /**
   * What was not sent, or was refused, is sent later. What had no answer may have been counted, and
   * is dropped.
   */
  private void keepUnsent(
      Map<String, Map<String, PassedSpending.Sum>> sent, @Nullable Throwable failure) {
    if (failure == null) {
      return;
    }
    Throwable cause = RedisLink.cause(failure);
    if (cause instanceof RedisCommandExecutionException refused) {
      link.reportRefusal("to count what clients spend", refused);
    }
    if (cause instanceof RedisCommandExecutionException || cause instanceof RedisGoneException) {
      sent.forEach(unsent::add);
      used.addAll(sent.keySet());
    }
  }

  private void take(
      List<String> keys, Map<String, List<Budget>> asked, List<Object> reply, long askedAt) {
    String of = Reply.text(reply.get(2));
    int at = 3;
    for (String key : keys) {
      List<Budget.Spent> all = new ArrayList<>();
      for (Budget budget : asked.getOrDefault(key, List.of())) {
        long spent = Reply.number(reply.get(at));
        Duration left = Duration.ofNanos(Reply.number(reply.get(at + 1)) * 1000);
        all.add(new Budget.Spent(budget, spent, left));
        if (Reply.number(reply.get(at + 2)) == 1) {
          long percent = 100 * spent / Math.max(1, budget.limit());
          log.warn("{} has spent {} % of its budget {}", key, percent, budget.label());
        }
        at += 3;
      }
      known.put(key, new Known(List.copyOf(all), askedAt, of));
    }
  }
}
