package relay.redis.script;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/**
 * Surveys of a pool. A heartbeat asks what is new, and a few more calls read that. The replica that
 * draws its plan's lines of the readable picture reads news at once, and so does each in a small
 * pool; others do every few seconds. The limits of many clients are read only while somebody wants
 * to see them, and else drawn without that. An idle pool costs a heartbeat only. The replies also
 * name the ready sets of other replicas' plans, and tell this replica when to announce its plan
 * again.
 */
public final class FleetSurvey {
  static final long READ_EVERY_NANOS = 5_000_000_000L;

  private static final int SMALL = 200; // keys
  private static final int PART = 100; // keys in a call: Redis serves no other call for some 2 ms
  private static final int MOST_COOLING = 50; // lines drawn again in a heartbeat
  private static final String FROM_START = "0 0"; // there is no news before: read all
  private static final long WANTED_NANOS = 150_000_000_000L; // two intervals of Prometheus
  private static final long DRAW_ALL_EVERY_NANOS = 2_000_000_000L;

  private final PlanAnnouncer plans;
  private final SurveyCalls calls;
  private final OtherReplicas others;
  private final boolean observes;
  private final String shares;
  private final ToldLimits answers;
  private final Introductions introductions;
  private final AtomicBoolean reading = new AtomicBoolean(); // guards the four below
  private final ReadPool pool = new ReadPool(System.nanoTime() - READ_EVERY_NANOS);
  private final DrawnPicture picture = new DrawnPicture(pool.readAt());
  private long allAt = pool.readAt(); // everything was read
  private volatile String position = FROM_START; // up to which news was read
  private volatile long wantedAt = System.nanoTime() - WANTED_NANOS; // by somebody who looks
  private volatile CompletableFuture<@Nullable PoolSnapshot> under =
      CompletableFuture.completedFuture(null); // the last read
  private volatile Consumer<SurveyReply.Beside> beside = told -> {};
  private volatile boolean left; // leave() was called after the last heartbeat

  /**
   * What a replica reads or draws.
   *
   * @param all whether this is everything
   * @param position the end of the news
   */
  private record Part(
      SurveyedRows rows, List<SurveyedRows.Part> parts, boolean all, String position, long at) {
    int size() {
      return parts.stream().mapToInt(p -> p.groups().size() + p.keys().size()).sum();
    }
  }

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
    this.plans = plans;
    this.answers = answers;
    this.introductions = introductions;
    this.shares = shares ? " 1" : " 0";
    observes = replica.isEmpty();
    calls = new SurveyCalls(caller, plans, replica, () -> left);
    others = new OtherReplicas(caller, plans, introductions);
  }

  /** The replicas that the last heartbeat saw alive, separated by blanks. */
  public String alive() {
    return others.alive();
  }

  /** The number of replicas that the last heartbeat saw alive. */
  public int replicas() {
    return others.count();
  }

  /** Gets what each heartbeat tells of the pool's provider. Must not block or throw. */
  public void tells(Consumer<SurveyReply.Beside> listener) {
    beside = listener;
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
    return pool.shownAt();
  }

  /**
   * This replica's heartbeat. It reads a large pool as a whole only every few seconds, or when the
   * readable picture is stale; otherwise the result is null.
   */
  public CompletableFuture<@Nullable PoolSnapshot> beat() {
    if (observes) {
      return observe().thenApply(all -> all);
    }
    left = false;
    return beat(new Presence.Alive(plans.configLine()));
  }

  /** This replica's last survey: Redis no longer counts the replica. */
  public CompletableFuture<@Nullable PoolSnapshot> leave() {
    left = true;
    return under.handle((done, failure) -> new Presence.Leaving()).thenCompose(as -> beat(as));
  }

  /** Reads everything, in slices, and is no heartbeat. */
  public CompletableFuture<PoolSnapshot> observe() {
    left = false;
    long announcement = plans.lastAnnouncement();
    SurveyedRows all = new SurveyedRows(plans.candidates().plan());
    Presence as = new Presence.Observing();
    return calls
        .totals(as)
        .thenCompose(
            first -> {
              SurveyReply.Fleet fleet = first.fleet();
              others.heard(fleet, takesPart(), announcement);
              return calls
                  .all(as, SurveyCalls.Use.READ, all, all.all(PART))
                  .thenApply(last -> all.snapshot(first, fleet, first.micros()));
            });
  }

  private boolean takesPart() {
    return !left && !observes;
  }

  private CompletableFuture<@Nullable PoolSnapshot> beat(Presence as) {
    long announcement = plans.lastAnnouncement();
    PoolPlan plan = plans.candidates().plan();
    long now = System.nanoTime();
    boolean leaves = as instanceof Presence.Leaving;
    boolean asks =
        picture.isMine() ? leaves || picture.isDue(isWanted(plan, now), now) : isDue(plan, now);
    String from = asks ? position : FROM_START; // a list of what is new would not be read
    String told = leaves ? "" : answers.take();
    String words = leaves ? "" : introductions.due(plan.name(), now);
    return calls
        .news(as, words, from + " " + picture.next(now) + shares + told)
        .thenCompose(
            reply -> {
              HeartbeatReply beat = new HeartbeatReply(plan, reply, reply.fleet());
              others.heard(beat.fleet(), takesPart(), announcement);
              others.counted(reply.replicas());
              beside.accept(reply.beside());
              picture.isMine(reply.draws());
              // redraw: the picture expired, another replica drew it, or an overlapping heartbeat
              // made this replica the drawer
              boolean goesOn = asks || reply.drawsAll() || (reply.draws() && leaves);
              boolean late = left && !leaves; // would register it again
              if (late || !reading.compareAndSet(false, true)) {
                return CompletableFuture.completedFuture(null); // the last read still runs
              }
              try {
                under =
                    (goesOn ? news(as, beat) : unread(beat))
                        .whenComplete((done, failure) -> reading.set(false));
              } catch (RuntimeException e) {
                reading.set(false);
                throw e;
              }
              return under;
            });
  }

  /** Reads what is new to this replica, and draws it if that is its part. */
  private CompletableFuture<@Nullable PoolSnapshot> news(Presence as, HeartbeatReply beat) {
    PoolPlan plan = beat.plan();
    SurveyReply.News news = beat.reply().news();
    long now = System.nanoTime();
    boolean isWanted = isWanted(plan, now);
    SurveyedRows known = isWanted && pool.isStale() ? null : pool.of(plan);
    SurveyedRows next = known == null ? new SurveyedRows(plan) : known;
    boolean all =
        next.isEmpty() || news.all() || (news.crowded() && now - allAt >= READ_EVERY_NANOS);
    boolean draws = beat.reply().draws();
    boolean isDue =
        draws
            ? known == null || !all || isSmall(plan) || now - allAt >= DRAW_ALL_EVERY_NANOS
            : isDue(plan, now);
    boolean waits =
        switch (as) {
          case Presence.Leaving _ -> !draws;
          case Presence.Alive _, Presence.Observing _ ->
              !isDue && (all || !news.fields().isEmpty());
        };
    if (waits) {
      return CompletableFuture.completedFuture(null); // its time will come
    }
    List<SurveyedRows.Part> parts =
        all ? next.all(PART) : next.of(news.fields(), draws ? MOST_COOLING : 0, PART);
    Part some = new Part(next, parts, all, news.position(), now);
    return draws && !isWanted && known != null ? draw(as, beat, some) : read(as, beat, some);
  }

  private CompletableFuture<@Nullable PoolSnapshot> draw(
      Presence as, HeartbeatReply beat, Part some) {
    return calls
        .all(as, SurveyCalls.Use.DRAW, some.rows(), some.parts())
        .thenCompose(
            last -> {
              follow(some);
              picture.drewUnread(some.size(), some.at());
              if (some.size() > 0) {
                pool.drewUnread();
              }
              return unread(beat);
            });
  }

  @SuppressWarnings("ReferenceEquality") // a snapshot that is built is another object
  private CompletableFuture<@Nullable PoolSnapshot> read(
      Presence as, HeartbeatReply beat, Part some) {
    SurveyReply reply = beat.reply();
    SurveyCalls.Use use = reply.draws() ? SurveyCalls.Use.READ_AND_DRAW : SurveyCalls.Use.READ;
    return calls
        .all(as, use, some.rows(), some.parts())
        .thenApply(
            last -> {
              follow(some);
              picture.isRead();
              PoolSnapshot before = pool.seen();
              PoolSnapshot after =
                  pool.read(
                      some.rows(),
                      beat,
                      some.all(),
                      !some.parts().isEmpty(),
                      isWanted(beat.plan(), some.at()),
                      last,
                      some.at());
              if (after != null && after != before) {
                plans.saw(after, reply.epoch(), reply.micros());
                if (reply.draws()) {
                  picture.next(SurveyedRows.nextCapacity(after));
                  picture.free(beat.plan().named() ? "" : FreeShares.text(beat.plan(), after));
                }
              }
              return after;
            });
  }

  private void follow(Part some) {
    allAt = some.all() ? some.at() : allAt;
    position = some.position();
  }

  private CompletableFuture<@Nullable PoolSnapshot> unread(HeartbeatReply beat) {
    long now = System.nanoTime();
    return CompletableFuture.completedFuture(pool.unread(beat, isWanted(beat.plan(), now), now));
  }

  /** Whether this replica reads news although it does not draw. */
  private boolean isDue(PoolPlan plan, long now) {
    return isSmall(plan)
        || pool.isEmpty()
        || (isWanted(plan, now)
            && (pool.of(plan) == null || now - pool.readAt() >= READ_EVERY_NANOS));
  }

  /** Only {@code NamedKeys.want} needs the rows of clients' limits. */
  private boolean isWanted(PoolPlan plan, long now) {
    return isSmall(plan) || !plan.named() || now - wantedAt < WANTED_NANOS;
  }

  private static boolean isSmall(PoolPlan plan) {
    return plan.keys().size() <= SMALL;
  }
}
