package relay.redis;

import static relay.redis.RedisKeys.bytes;

import io.lettuce.core.RedisCommandExecutionException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The scripts of one pool, one method per script: builds KEYS and ARGV and decodes the reply. If
 * Redis does not know the pool, it announces the pool and calls again.
 */
final class PoolScripts {
  private static final byte[] REAL_TIME = bytes("-");
  private static final String LEAVES = "leave";
  private static final int BATCH = 200;
  private static final long STALE_MS = 400;
  private static final long NEVER_STALE_MS = 1_000_000_000_000L;
  private static final long SURVEY_ALL_NANOS = 5_000_000_000L;

  private final RedisLink link;
  private final RedisKeys keys;
  private final String replica;
  private final byte[] leaseMs;
  private volatile Candidates candidates;
  private volatile ConfigMark config = ConfigMark.NONE;
  private volatile boolean left; // since the last heartbeat
  private final PoolClock clock = new PoolClock(System::nanoTime);
  private volatile long epoch;
  private volatile String epochText = "0";
  private volatile long surveyedAllAt = System.nanoTime() - SURVEY_ALL_NANOS;
  private @Nullable Configuring configuring; // guarded by this
  private long announcements; // guarded by this

  /** An announcement in flight. */
  private record Configuring(Candidates shape, CompletableFuture<Void> done) {}

  /** One call of a script. */
  record Call(ScriptFile script, List<byte[]> keys, List<byte[]> args) {}

  PoolScripts(RedisLink link, PoolPlan plan, EngineOptions options) {
    this.link = link;
    replica = options.replica();
    keys = new RedisKeys(options.prefix(), plan.name());
    leaseMs = bytes(options.lease().toMillis());
    candidates = new Candidates(plan, keys);
  }

  /** The epoch under which this replica uses the pool; 0 before the first use. */
  long epoch() {
    return epoch;
  }

  /**
   * @param leaseEndings the lease endings that the calls carry
   */
  AcquireCalls acquires(LeaseEndings leaseEndings) {
    return new AcquireCalls(this, leaseEndings);
  }

  /** The keys and groups of the present plan. */
  Candidates candidates() {
    return candidates;
  }

  PoolPlan plan() {
    return candidates.plan();
  }

  /** Calls that are made from now on use this plan. Tells Redis of it. */
  CompletableFuture<Void> reconfigure(PoolPlan plan) {
    Candidates next = new Candidates(plan, keys);
    synchronized (this) {
      next.all(candidates.allSets().stream().map(RedisKeys::text).toList());
      candidates = next;
    }
    return configure();
  }

  /** What this process runs with. Redis hears of it with the next survey or change of the plan. */
  void runs(ConfigMark mark) {
    config = mark;
  }

  /**
   * Whether a call for this demand can end leases, too: it names all ready sets, where there are
   * some.
   */
  boolean endsWith(Demand demand) {
    Candidates now = candidates;
    return now.isIndexed() ? demand.key().isEmpty() : !now.hasOthers();
  }

  /** Batches of candidates to pick from. Try them in order until one has a usable key. */
  List<byte[][]> samples(Demand demand) {
    return candidates.samples(demand);
  }

  CompletableFuture<Reply> pick(byte[][] fields) {
    return callConfigured(
        () -> {
          List<byte[]> args = clockArgs();
          args.add(bytes(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE)));
          args.addAll(List.of(fields));
          return new Call(ScriptFile.PICK, List.of(keys.state), args);
        },
        raw -> Reply.isUnknown(raw) ? new Reply.Unknown() : Reply.ofAcquire(raw, 0).getFirst());
  }

  /** Ends leases, with one reply for each. */
  CompletableFuture<List<Reply>> settle(List<PendingUpdate.Ending> endings) {
    List<byte[]> k = leaseKeys();
    k.addAll(candidates.allSets());
    StringBuilder line = new StringBuilder(text(clock.ceiling())).append(" -");
    List<byte[]> args = new ArrayList<>(1 + endings.size());
    args.add(REAL_TIME); // placeholder for the line
    appendEndings(endings, line, args);
    args.set(0, bytes(line.toString()));
    return call(new Call(ScriptFile.SETTLE, k, args))
        .thenApply(raw -> Reply.ofEndings(raw, endings.size()));
  }

  /** Appends the endings' costs to the line and their ids to the arguments. */
  static void appendEndings(
      List<PendingUpdate.Ending> endings, StringBuilder line, List<byte[]> args) {
    for (PendingUpdate.Ending ending : endings) {
      Usage cost = ending.cost();
      line.append(' ').append(cost.requests()).append(' ').append(cost.inputTokens());
      line.append(' ').append(cost.outputTokens());
      args.add(bytes(ending.id()));
    }
  }

  /** The keys of every script that creates or ends leases. */
  List<byte[]> leaseKeys() {
    return new ArrayList<>(List.of(keys.state, keys.win, keys.leases, keys.due, keys.later));
  }

  CompletableFuture<Reply> renew(List<String> ids) {
    List<byte[]> args = clockArgs();
    args.add(leaseMs);
    ids.forEach(id -> args.add(bytes(id)));
    List<byte[]> k = List.of(keys.state, keys.leases, keys.later);
    return call(new Call(ScriptFile.RENEW, k, args)).thenApply(Reply::of);
  }

  /**
   * Cools a key or a group down.
   *
   * @param grantedMicros grant time, on the pool's clock, of the request that the provider refused;
   *     0 if there was none
   */
  CompletableFuture<Reply> cooldown(String field, Duration howLong, long grantedMicros) {
    return callConfigured(
        () -> {
          List<byte[]> args = clockArgs();
          args.addAll(List.of(bytes(field), bytes(howLong.toMillis()), bytes(grantedMicros)));
          return new Call(ScriptFile.COOLDOWN, List.of(keys.state, keys.win), args);
        },
        Reply::of);
  }

  /** Reports the limits in a provider's answer. */
  CompletableFuture<Reply> observe(String group, Limits limits, Remaining remaining) {
    return callConfigured(
        () -> {
          List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.win, keys.learned));
          k.addAll(candidates.allSets());
          List<byte[]> args = clockArgs();
          args.add(bytes(group));
          for (Dimension d : Dimension.values()) {
            args.add(bytes(limits.of(d)));
          }
          for (Dimension d : Dimension.values()) {
            long left = remaining.of(d);
            args.add(left < 0 || left > Limits.MAX ? REAL_TIME : bytes(left));
          }
          return new Call(ScriptFile.OBSERVE, k, args);
        },
        Reply::of);
  }

  /**
   * Takes keys out of use.
   *
   * @param refused whether the provider refused the credentials that this replica has
   */
  CompletableFuture<Void> quarantine(List<String> ids, String reason, boolean refused) {
    byte[] by = refused && !replica.isEmpty() ? bytes(replica) : REAL_TIME;
    List<byte[]> k = List.of(keys.state, keys.quarantine);
    return inBatches(
        ids,
        some -> {
          List<byte[]> args = new ArrayList<>(List.of(bytes(reason), by));
          some.forEach(id -> args.add(bytes(id)));
          return callConfigured(() -> new Call(ScriptFile.QUARANTINE, k, args), Reply::ofCount);
        });
  }

  /** The secrets of these keys have changed: ends their quarantine for refused credentials. */
  CompletableFuture<Void> rekey(List<String> ids) {
    return inBatches(
        ids,
        some ->
            callConfigured(
                () -> {
                  List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.quarantine));
                  k.addAll(candidates.allSets());
                  List<byte[]> args = new ArrayList<>(List.of(bytes(replica)));
                  some.forEach(id -> args.add(bytes(id)));
                  return new Call(ScriptFile.REKEY, k, args);
                },
                Reply::ofCount));
  }

  /** A survey that is this replica's last: it no longer counts. */
  CompletableFuture<@Nullable PoolSnapshot> leave() {
    left = true;
    return survey(replica, LEAVES);
  }

  /** Whether demands that cannot be carried are granted all the same. */
  boolean isShadow(Demand demand) {
    Candidates now = candidates;
    Demand served = now.served(demand);
    return served != null && now.isShadow(served);
  }

  CompletableFuture<Void> restore(List<String> fields) {
    if (!replica.isEmpty()) {
      return restoreKnown(fields);
    }
    // an observer has no heartbeat from which it would know the index of each plan
    return survey("").handle((snapshot, failure) -> fields).thenCompose(this::restoreKnown);
  }

  private CompletableFuture<Void> restoreKnown(List<String> fields) {
    List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.quarantine));
    k.addAll(candidates.allSets());
    return inBatches(
        fields,
        some -> {
          List<byte[]> args = some.stream().map(RedisKeys::bytes).toList();
          return callConfigured(() -> new Call(ScriptFile.RESTORE, k, args), Reply::ofCount);
        });
  }

  /** Calls once per batch, one batch after the other, even if one fails. */
  private static CompletableFuture<Void> inBatches(
      List<String> all, Function<List<String>, CompletableFuture<Reply>> call) {
    CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    for (int from = 0; from < all.size(); from += BATCH) {
      List<String> some = all.subList(from, Math.min(all.size(), from + BATCH));
      CompletableFuture<Void> before = done;
      done =
          CompletableFuture.allOf(before, before.handle((end, failure) -> some).thenCompose(call));
    }
    return done;
  }

  CompletableFuture<Reply> charge(String id, String group, Usage usage) {
    return callConfigured(
        () -> {
          List<byte[]> args = clockArgs();
          args.addAll(
              List.of(
                  bytes(id),
                  bytes(group),
                  bytes(usage.requests()),
                  bytes(usage.inputTokens()),
                  bytes(usage.outputTokens())));
          return new Call(ScriptFile.CHARGE, leaseKeys(), args);
        },
        Reply::of);
  }

  /**
   * Reads the pool's state in slices.
   *
   * @param replica the caller's id as a heartbeat, empty for an observer. A replica reads a large
   *     pool as a whole only every few seconds, or when the readable picture is stale; otherwise
   *     the result is null
   */
  CompletableFuture<@Nullable PoolSnapshot> survey(String replica) {
    left = false;
    Candidates shape = candidates;
    return survey(replica, replica.isEmpty() ? "-" : config.line(shape.planId()));
  }

  private CompletableFuture<@Nullable PoolSnapshot> survey(String replica, String standing) {
    Candidates shape = candidates;
    long announcement = announcementOver();
    Survey survey = new Survey(shape.plan());
    CompletableFuture<Boolean> whole = CompletableFuture.completedFuture(true);
    for (List<KeyPlan> slice : shape.parts(BATCH)) {
      whole =
          whole.thenCompose(
              continues -> {
                boolean due = System.nanoTime() - surveyedAllAt >= SURVEY_ALL_NANOS;
                boolean wanted =
                    due || survey.drawsPicture() || replica.isEmpty() || !survey.hasBegun();
                boolean late = left && !standing.equals(LEAVES); // it would be a heartbeat
                if (!continues || !wanted || late) {
                  return CompletableFuture.completedFuture(false);
                }
                return survey(replica, standing, slice, survey).thenApply(v -> true);
              });
    }
    return whole.thenApply(
        all -> {
          saw(survey.fleet(), announcement);
          if (all) {
            surveyedAllAt = System.nanoTime();
          }
          return all ? survey.snapshot() : null;
        });
  }

  /** Number of the last announcement; -1 while one is under way. */
  private synchronized long announcementOver() {
    return configuring == null ? announcements : -1;
  }

  /**
   * Brings what this replica knows of the others' plans up to date.
   *
   * @param announcement the last one when it was asked: a later one makes a call for another void
   */
  private void saw(Reply.Fleet fleet, long announcement) {
    Set<String> fresh = new LinkedHashSet<>(fleet.sets());
    synchronized (this) {
      candidates.allSets().forEach(set -> fresh.remove(RedisKeys.text(set)));
      candidates.all(fleet.sets());
    }
    if (left || replica.isEmpty()) {
      return;
    }
    if (!fresh.isEmpty() || !fleet.unused().isEmpty()) {
      var _ =
          reopen(fresh, fleet.unused())
              .whenComplete(
                  (done, failure) -> {
                    if (failure != null) { // to be learned again
                      unlearn(fresh);
                    }
                  });
    }
    if (fleet.again() && announcement >= 0 && announcement == announcementOver()) {
      var _ = configure();
    }
  }

  private synchronized void unlearn(Set<String> sets) {
    candidates.all(
        candidates.allSets().stream()
            .map(RedisKeys::text)
            .filter(name -> !sets.contains(name))
            .toList());
  }

  private CompletableFuture<Reply> reopen(Collection<String> ready, Collection<String> unused) {
    List<byte[]> k = new ArrayList<>(List.of(keys.state));
    ready.forEach(name -> k.add(bytes(name)));
    unused.forEach(name -> k.add(bytes(name)));
    return call(new Call(ScriptFile.REOPEN, k, List.of(bytes(ready.size()))))
        .thenApply(Reply::ofCount);
  }

  private CompletableFuture<Void> survey(
      String replica, String standing, List<KeyPlan> slice, Survey survey) {
    List<String> groups = survey.groups(slice);
    return callConfigured(
            () -> {
              List<byte[]> args = new ArrayList<>(List.of(bytes(replica)));
              args.addAll(clockArgs());
              args.add(bytes(survey.pictureAgeMs(STALE_MS, NEVER_STALE_MS)));
              args.add(bytes(standing));
              args.add(bytes(groups.size()));
              groups.forEach(g -> args.add(bytes(g)));
              for (KeyPlan key : slice) {
                args.add(bytes(key.id()));
                args.add(bytes(key.account()));
              }
              List<byte[]> k = leaseKeys();
              k.addAll(List.of(keys.quarantine, keys.picture, keys.replicas, keys.summary));
              k.add(keys.learned);
              k.addAll(candidates.allSets());
              return new Call(ScriptFile.SURVEY, k, args);
            },
            Reply::of)
        .thenAccept(
            reply -> {
              if (reply instanceof Reply.Done done) {
                survey.add(slice, groups, done);
              } else {
                throw new IllegalStateException("pool " + plan().name() + " is unknown to Redis");
              }
            });
  }

  /**
   * Merges learned tallies into the fleet's and returns the fleet's. Never retry it when the
   * outcome is unknown: it would count twice.
   *
   * @param all whether to return all models, not only those in {@code learned}
   */
  CompletableFuture<Map<String, ModelTally>> learn(boolean all, Map<String, ModelTally> learned) {
    List<byte[]> args = new ArrayList<>();
    args.add(REAL_TIME);
    args.add(bytes(all ? 1 : 0));
    learned.forEach(
        (model, tally) -> {
          args.add(bytes(model));
          args.add(bytes(Math.round(tally.samples)));
          args.add(bytes(Math.round(tally.bytes)));
          args.add(bytes(Math.round(tally.tokens)));
          args.add(bytes(tally.outputsText()));
        });
    return link.call(ScriptFile.LEARN, new byte[][] {keys.estimates}, args.toArray(byte[][]::new))
        .thenApply(Reply::ofLearn);
  }

  /** Announces the pool's shape to Redis. Concurrent callers share one call. */
  CompletableFuture<Void> configure() {
    Configuring before;
    Configuring mine;
    synchronized (this) {
      before = configuring;
      if (before != null && isPresent(before)) {
        return before.done();
      }
      mine = new Configuring(candidates, new CompletableFuture<>());
      configuring = mine;
    }
    if (before == null) {
      announce(mine);
    } else { // parts of two plans must not mix
      var _ = before.done().whenComplete((done, failure) -> announce(mine));
    }
    return mine.done();
  }

  @SuppressWarnings("ReferenceEquality") // another announcement may have been asked for since
  private synchronized void announced(Configuring mine, @Nullable Reply reply) {
    if (configuring == mine) {
      configuring = null;
    }
    announcements++;
    if (reply instanceof Reply.Done first) {
      epoch = first.number(2);
      epochText = Long.toString(epoch);
    }
  }

  @SuppressWarnings("ReferenceEquality") // a plan that was taken again is announced again
  private boolean isPresent(Configuring one) {
    return one.shape() == candidates;
  }

  private void announce(Configuring mine) {
    Announcement pool = new Announcement(mine.shape(), BATCH);
    CompletableFuture<Reply> done = configure(pool, 0, 0);
    for (int n = 1; n < pool.parts(); n++) {
      int part = n;
      done =
          done.thenCompose(
              reply -> {
                if (!(reply instanceof Reply.Done first)) {
                  return CompletableFuture.completedFuture(reply);
                }
                return configure(pool, part, first.number(3)).thenApply(later -> first);
              });
    }
    var _ =
        done.whenComplete(
            (reply, failure) -> {
              announced(mine, reply);
              if (failure == null) {
                mine.done().complete(null);
              } else {
                mine.done().completeExceptionally(failure);
              }
            });
  }

  /**
   * Announces one part of the pool.
   *
   * @param later 0 for the first part, else the first part's reply
   */
  private CompletableFuture<Reply> configure(Announcement pool, int part, long later) {
    List<byte[]> args = clockArgs();
    args.addAll(pool.args(part, epoch, later, replica, config));
    List<byte[]> k =
        new ArrayList<>(List.of(keys.state, keys.win, keys.quarantine, keys.picture, keys.learned));
    k.addAll(pool.sets());
    return call(new Call(ScriptFile.CONFIGURE, k, args)).thenApply(Reply::of);
  }

  /** The start of acquire's first argument: {@code epoch ceiling given lease_ms}. */
  StringBuilder callLine() {
    StringBuilder line = new StringBuilder(epochText).append(' ').append(text(clock.ceiling()));
    return line.append(" - ").append(text(leaseMs));
  }

  private static String text(byte[] digits) {
    return new String(digits, StandardCharsets.ISO_8859_1);
  }

  /** The time arguments with which most scripts begin. */
  private List<byte[]> clockArgs() {
    return new ArrayList<>(List.of(clock.ceiling(), REAL_TIME));
  }

  /** Logs a call that Redis refused, at a limited rate. */
  void reportRefusal(String what, RedisCommandExecutionException why) {
    link.reportRefusal(what, why);
  }

  /** Calls a script. If Redis does not know the pool, announces the pool and calls once more. */
  <T> CompletableFuture<T> callConfigured(Supplier<Call> call, Function<List<Object>, T> decode) {
    return rawConfigured(call).thenApply(decode);
  }

  private CompletableFuture<List<Object>> rawConfigured(Supplier<Call> call) {
    long epochBefore = epoch;
    return call(call.get())
        .thenCompose(
            raw -> {
              if (!Reply.isUnknown(raw)) {
                return CompletableFuture.completedFuture(raw);
              }
              if (epoch != epochBefore) {
                return rawConfigured(call); // another call has configured it
              }
              return configure().thenCompose(done -> call(call.get()));
            });
  }

  private CompletableFuture<List<Object>> call(Call call) {
    return link.call(
            call.script(), call.keys().toArray(byte[][]::new), call.args().toArray(byte[][]::new))
        .thenApply(
            raw -> {
              clock.observed(Reply.time(raw));
              return raw;
            });
  }
}
