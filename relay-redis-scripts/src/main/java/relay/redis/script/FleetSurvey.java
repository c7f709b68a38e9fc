package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.ScriptCaller.Call;

/**
 * Surveys of a pool. A heartbeat asks what is new, and a few more calls read that. The replica that
 * draws its plan's lines of the readable picture reads news at once, and so does each in a small
 * pool; others do every few seconds. The limits of many clients are read only while somebody wants
 * to see them, and else drawn without that. An idle pool costs a heartbeat only. The replies also
 * name the ready sets of other replicas' plans, and tell this replica when to announce its plan
 * again.
 */
public final class FleetSurvey {
  private static final String OBSERVES = "-";
  private static final String LEAVES = "leave";
  private static final String NO_NEWS = "-";
  private static final int SMALL = 200; // keys
  private static final int PART = 100; // keys in a call: Redis serves no other call for some 2 ms
  private static final int MOST_COOLING = 50; // lines drawn again in a heartbeat
  private static final String FROM_START = "0 0"; // there is no news before: read all
  private static final long READ_EVERY_NANOS = 5_000_000_000L;
  private static final long WANTED_NANOS = 150_000_000_000L; // two intervals of Prometheus
  private static final long DRAW_ALL_EVERY_NANOS = 2_000_000_000L;
  private static final int AT_ONCE = 200; // more that is new at once is drawn every few seconds
  private static final int READS = 0; // what a call does with its groups and keys
  private static final int READS_AND_DRAWS = 1;
  private static final int DRAWS = 2;
  private static final SurveyedRows.Part NOTHING = new SurveyedRows.Part(List.of(), List.of());

  private final ScriptCaller caller;
  private final PlanAnnouncer plans;
  private final String replica;
  private final String shares;
  private final ToldLimits answers;
  private final Introductions introductions;
  private final AtomicBoolean reading = new AtomicBoolean(); // guards the fields up to `seen`
  private volatile @Nullable SurveyedRows rows;
  private volatile long readAt = System.nanoTime() - READ_EVERY_NANOS; // news was read
  private volatile long shownAt = readAt; // when the rows of the last snapshot were read
  private volatile long wantedAt = System.nanoTime() - WANTED_NANOS; // by somebody who looks
  private volatile boolean drew; // at the last heartbeat
  private volatile int drawn; // groups and keys, when news was last drawn without being read
  private volatile long drawnAt = readAt; // and when that was
  private boolean stale; // what is in Redis is newer than the rows: all are to be read
  private long builtAt = System.nanoTime() - READ_EVERY_NANOS; // the last snapshot
  private long allAt = System.nanoTime() - READ_EVERY_NANOS; // everything was
  private @Nullable PoolSnapshot seen;
  private volatile String position = FROM_START; // up to which news was read
  private volatile String nextMs = "-"; // time until the pool has capacity
  private volatile CompletableFuture<@Nullable PoolSnapshot> under =
      CompletableFuture.completedFuture(null); // the last read
  private volatile String alive = ""; // replicas
  private volatile int replicas = 1;
  private volatile boolean left; // leave() was called after the last heartbeat

  /**
   * @param replica this replica's id; empty for an observer
   * @param shares whether a replica takes its share of the limits while it is without Redis
   * @param answers what each heartbeat takes along
   */
  FleetSurvey(
      ScriptCaller caller,
      PlanAnnouncer plans,
      String replica,
      boolean shares,
      ToldLimits answers,
      Introductions introductions) {
    this.answers = answers;
    this.introductions = introductions;
    this.shares = shares ? " 1" : " 0";
    this.caller = caller;
    this.plans = plans;
    this.replica = replica;
  }

  /** The replicas that the last heartbeat saw alive, separated by blanks. */
  public String alive() {
    return alive;
  }

  /** The number of replicas that the last heartbeat saw alive. */
  public int replicas() {
    return replicas;
  }

  /**
   * Somebody looks at the groups and keys: they are read from now on, for some minutes. Returns
   * whether they were already.
   */
  public boolean want() {
    long now = System.nanoTime();
    boolean before = now - wantedAt < WANTED_NANOS;
    wantedAt = now;
    return before;
  }

  /** By {@link System#nanoTime}: when the groups and keys of the last snapshot were read. */
  public long shownAt() {
    return shownAt;
  }

  /** As {@link PoolScripts#survey}. */
  CompletableFuture<@Nullable PoolSnapshot> survey(String replica) {
    left = false;
    return replica.isEmpty() ? observe() : beat(plans.configLine());
  }

  /** This replica's last survey: removes the replica from the pool. */
  CompletableFuture<@Nullable PoolSnapshot> leave() {
    left = true;
    return under.handle((done, failure) -> LEAVES).thenCompose(this::beat);
  }

  /** Reads everything, and is no heartbeat. */
  private CompletableFuture<@Nullable PoolSnapshot> observe() {
    long announcement = plans.lastAnnouncement();
    SurveyedRows all = new SurveyedRows(plans.candidates().plan());
    return call("", OBSERVES, READS, NO_NEWS, NOTHING)
        .thenCompose(
            first -> {
              Reply.Fleet fleet = first.fleet(7);
              applyFleet(fleet, announcement);
              return callAll("", OBSERVES, READS, all, all.all(PART))
                  .thenApply(last -> all.snapshot(first, fleet, first.number(1)));
            });
  }

  private CompletableFuture<@Nullable PoolSnapshot> beat(String standing) {
    long announcement = plans.lastAnnouncement();
    PoolPlan plan = plans.candidates().plan();
    boolean asks = drew ? isDrawn(plan) || standing.equals(LEAVES) : isDue(plan);
    String from = asks ? position : FROM_START; // a list of what is new would not be read
    boolean leaves = standing.equals(LEAVES);
    String told = leaves ? "" : answers.take();
    String words = leaves ? "" : introductions.due(plan.name(), System.nanoTime());
    return call(replica, standing + words, READS, from + " " + nextMs + shares + told, NOTHING)
        .thenCompose(
            beat -> {
              Reply.Fleet fleet = beat.fleet(7);
              applyFleet(fleet, announcement);
              replicas = (int) beat.number(3);
              drew = beat.number(6) > 0;
              // redraw: the picture expired, another replica drew it, or an overlapping heartbeat
              // made this replica the drawer
              boolean goesOn = asks || beat.number(6) == 2 || (drew && standing.equals(LEAVES));
              boolean late = left && !standing.equals(LEAVES); // would register it again
              if (late || !reading.compareAndSet(false, true)) {
                return CompletableFuture.completedFuture(null); // the last read still runs
              }
              try {
                under =
                    (goesOn ? news(standing, plan, beat, fleet) : unread(plan, beat, fleet))
                        .whenComplete((done, failure) -> reading.set(false));
              } catch (RuntimeException e) {
                reading.set(false);
                throw e;
              }
              return under;
            });
  }

  /** Reads what is new to this replica, and draws it if that is its part. */
  @SuppressWarnings("ReferenceEquality") // plans are large; another one is another object
  private CompletableFuture<@Nullable PoolSnapshot> news(
      String standing, PoolPlan plan, Reply.Done beat, Reply.Fleet fleet) {
    Reply.News news = beat.news(8);
    long now = System.nanoTime();
    boolean draws = beat.number(6) > 0;
    boolean reads = isWanted(plan, now);
    SurveyedRows known = rows;
    boolean fresh = known == null || known.plan() != plan || (reads && stale);
    SurveyedRows next = fresh || known == null ? new SurveyedRows(plan) : known;
    boolean all =
        fresh
            || next.isEmpty()
            || news.all()
            || (news.crowded() && now - allAt >= READ_EVERY_NANOS);
    reads |= fresh;
    boolean due =
        draws ? fresh || !all || isSmall(plan) || now - allAt >= DRAW_ALL_EVERY_NANOS : isDue(plan);
    if (standing.equals(LEAVES) ? !draws : !due && (all || !news.fields().isEmpty())) {
      return CompletableFuture.completedFuture(null); // its time will come
    }
    List<SurveyedRows.Part> parts =
        all ? next.all(PART) : next.of(news.fields(), draws ? MOST_COOLING : 0, PART);
    if (draws && !reads) {
      return callAll(replica, standing, DRAWS, next, parts)
          .thenCompose(
              done -> {
                allAt = all ? now : allAt;
                position = news.position();
                drawn = parts.stream().mapToInt(p -> p.groups().size() + p.keys().size()).sum();
                drawnAt = now;
                nextMs = "?";
                stale |= drawn > 0;
                return unread(plan, beat, fleet);
              });
    }
    return callAll(replica, standing, draws ? READS_AND_DRAWS : READS, next, parts)
        .thenApply(
            last -> {
              rows = next;
              drawn = 0;
              stale &= !all;
              boolean unbuilt = shownAt != readAt; // rows were read since the last snapshot
              readAt = now;
              allAt = all ? now : allAt;
              position = news.position();
              PoolSnapshot before = seen;
              if (before != null && !isWanted(plan, now) && now - builtAt < READ_EVERY_NANOS) {
                return null; // of 10,000 clients it would take longer than to read what is new
              }
              shownAt = now;
              if (before != null && !unbuilt && parts.isEmpty() && isSame(before, beat, fleet)) {
                return before;
              }
              builtAt = now;
              PoolSnapshot after = next.snapshot(beat, fleet, Math.max(last, beat.number(1)));
              seen = after;
              plans.saw(after, beat.number(2), beat.number(1));
              if (draws) {
                Duration soonest = SurveyedRows.nextCapacity(after);
                nextMs = soonest == null ? "-" : Long.toString(ceilMs(soonest));
              }
              return after;
            });
  }

  /** Whether the replica that draws does so now. */
  private boolean isDrawn(PoolPlan plan) {
    long now = System.nanoTime();
    return drawn <= AT_ONCE || isWanted(plan, now) || now - drawnAt >= READ_EVERY_NANOS;
  }

  /** Whether this replica reads news although it does not draw. */
  @SuppressWarnings("ReferenceEquality") // as in news
  private boolean isDue(PoolPlan plan) {
    SurveyedRows known = rows;
    long now = System.nanoTime();
    return isSmall(plan)
        || known == null
        || (isWanted(plan, now) && (known.plan() != plan || now - readAt >= READ_EVERY_NANOS));
  }

  /** Of clients' limits nothing but {@code NamedKeys.want} needs the rows. */
  private boolean isWanted(PoolPlan plan, long now) {
    return isSmall(plan) || !plan.named() || now - wantedAt < WANTED_NANOS;
  }

  /** The pool every few seconds, with its groups and keys as they were read last. */
  private CompletableFuture<@Nullable PoolSnapshot> unread(
      PoolPlan plan, Reply.Done beat, Reply.Fleet fleet) {
    SurveyedRows known = rows;
    long now = System.nanoTime();
    PoolSnapshot before = seen;
    if (isWanted(plan, now) || known == null || now - builtAt < READ_EVERY_NANOS) {
      return CompletableFuture.completedFuture(null);
    }
    builtAt = now;
    stale = true;
    if (before == null || shownAt != readAt || !isSame(before, beat, fleet)) {
      shownAt = readAt;
      seen = known.snapshot(beat, fleet, beat.number(1));
    }
    return CompletableFuture.completedFuture(seen);
  }

  private static boolean isSmall(PoolPlan plan) {
    return plan.keys().size() <= SMALL;
  }

  private static long ceilMs(Duration wait) {
    return (wait.toNanos() + 999_999) / 1_000_000;
  }

  /** Whether nothing changed, and nothing counts down. */
  private static boolean isSame(PoolSnapshot before, Reply.Done beat, Reply.Fleet fleet) {
    return before.replicas() == beat.number(3)
        && before.leases() == beat.number(4)
        && before.expiredLeases() == beat.number(5)
        && before.configs().equals(fleet.configs())
        && before.clients().equals(beat.clients(9))
        && before.keys().stream().noneMatch(k -> k.draining() || !k.cooldown().isZero())
        && fleet.draining().isEmpty()
        && before.groups().stream().allMatch(g -> g.opens().isZero());
  }

  /**
   * Reads or draws these parts, one after the other. Returns the time of the last reply, 0 for
   * none.
   */
  private CompletableFuture<Long> callAll(
      String by, String standing, int does, SurveyedRows into, List<SurveyedRows.Part> parts) {
    CompletableFuture<Long> done = CompletableFuture.completedFuture(0L);
    for (SurveyedRows.Part part : parts) {
      done =
          done.thenCompose(
              before -> {
                if (left && !by.isEmpty() && !standing.equals(LEAVES)) { // it would register again
                  return CompletableFuture.failedFuture(new CancellationException("it leaves"));
                }
                return ScriptCaller.repeated(() -> call(by, standing, does, NO_NEWS, part))
                    .thenApply(
                        reply -> {
                          if (does != DRAWS) {
                            into.add(part, reply);
                          }
                          return reply.number(1);
                        });
              });
    }
    return done;
  }

  private CompletableFuture<Reply.Done> call(
      String by, String standing, int does, String news, SurveyedRows.Part part) {
    return plans
        .callConfigured(() -> script(by, standing, does, news, part), Reply::of)
        .thenApply(
            reply -> {
              if (reply instanceof Reply.Done done) {
                return done;
              }
              String pool = plans.candidates().plan().name();
              throw new IllegalStateException("pool " + pool + " is unknown to Redis");
            });
  }

  private Call script(String by, String standing, int does, String news, SurveyedRows.Part part) {
    List<byte[]> args = new ArrayList<>(List.of(bytes(by)));
    args.addAll(caller.clockArgs());
    args.add(bytes(does));
    args.add(bytes(standing));
    args.add(bytes(part.groups().size()));
    args.add(bytes(news));
    part.groups().forEach(g -> args.add(bytes(g)));
    for (KeyPlan key : part.keys()) {
      args.add(bytes(key.id()));
      args.add(bytes(key.account()));
    }
    RedisKeys keys = caller.keys();
    List<byte[]> k = caller.leaseKeys();
    k.addAll(List.of(keys.quarantine, keys.picture, keys.replicas, keys.summary, keys.learned));
    k.addAll(plans.candidates().allSets());
    return new Call(ScriptFile.SURVEY, k, args);
  }

  /**
   * Applies a survey's news of other replicas' plans: updates the index, and announces this plan
   * again if asked to.
   *
   * @param announcement number of the last announcement before the survey. If it is another now,
   *     the request to announce again is out of date
   */
  private void applyFleet(Reply.Fleet fleet, long announcement) {
    alive = fleet.replicas().lines().findFirst().orElse("");
    introductions.heard(plans.candidates().plan().name(), fleet.replicas(), System.nanoTime());
    Set<String> fresh = plans.learnSets(fleet.sets());
    if (left || replica.isEmpty()) {
      return;
    }
    if (!fresh.isEmpty() || !fleet.unused().isEmpty()) {
      var _ =
          reopen(fresh, fleet.unused())
              .whenComplete(
                  (done, failure) -> {
                    if (failure != null) {
                      plans.unlearnSets(fresh); // the next survey tries again
                    }
                  });
    }
    if (fleet.again() && announcement >= 0 && announcement == plans.lastAnnouncement()) {
      var _ = plans.configure();
    }
  }

  private CompletableFuture<Reply> reopen(Collection<String> ready, Collection<String> unused) {
    List<byte[]> k = new ArrayList<>(List.of(caller.keys().state));
    ready.forEach(name -> k.add(bytes(name)));
    unused.forEach(name -> k.add(bytes(name)));
    return caller
        .call(new Call(ScriptFile.REOPEN, k, List.of(bytes(ready.size()))))
        .thenApply(Reply::ofCount);
  }
}
