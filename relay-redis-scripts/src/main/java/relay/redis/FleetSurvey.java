package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.ScriptCaller.Call;

/**
 * Reads the pool's state in slices, which is also this replica's heartbeat. The replies name the
 * ready sets of other replicas' plans, and tell this replica when to announce its plan again.
 */
final class FleetSurvey {
  private static final String OBSERVES = "-";
  private static final String LEAVES = "leave";
  private static final long STALE_MS = 400;
  private static final long NEVER_STALE_MS = 1_000_000_000_000L;
  private static final long WHOLE_EVERY_NANOS = 5_000_000_000L;

  private final ScriptCaller caller;
  private final PlanAnnouncer plans;
  private final String replica;
  private volatile boolean left; // leave() was called after the last heartbeat
  private volatile long wholeAt = System.nanoTime() - WHOLE_EVERY_NANOS; // all slices were read

  /**
   * @param replica this replica's id; empty for an observer
   */
  FleetSurvey(ScriptCaller caller, PlanAnnouncer plans, String replica) {
    this.caller = caller;
    this.plans = plans;
    this.replica = replica;
  }

  /** As {@link PoolScripts#survey}. */
  CompletableFuture<@Nullable PoolSnapshot> survey(String replica) {
    left = false;
    return survey(replica, replica.isEmpty() ? OBSERVES : plans.configLine());
  }

  /** This replica's last survey: removes the replica from the pool. */
  CompletableFuture<@Nullable PoolSnapshot> leave() {
    left = true;
    return survey(replica, LEAVES);
  }

  private CompletableFuture<@Nullable PoolSnapshot> survey(String replica, String standing) {
    Candidates shape = plans.candidates();
    long announcement = plans.lastAnnouncement();
    Survey survey = new Survey(shape.plan());
    CompletableFuture<Boolean> whole = CompletableFuture.completedFuture(true);
    for (List<KeyPlan> slice : shape.parts(ScriptCaller.MAX_KEYS)) {
      whole =
          whole.thenCompose(
              continues -> {
                // the first slice is the heartbeat; others wait until due, or the picture is stale
                boolean due = System.nanoTime() - wholeAt >= WHOLE_EVERY_NANOS;
                boolean wanted =
                    due || survey.drawsPicture() || replica.isEmpty() || !survey.hasBegun();
                boolean late = left && !standing.equals(LEAVES); // would register it again
                if (!continues || !wanted || late) {
                  return CompletableFuture.completedFuture(false);
                }
                return survey(replica, standing, slice, survey).thenApply(v -> true);
              });
    }
    return whole.thenApply(
        all -> {
          applyFleet(survey.fleet(), announcement);
          if (all) {
            wholeAt = System.nanoTime();
          }
          return all ? survey.snapshot() : null;
        });
  }

  private CompletableFuture<Void> survey(
      String replica, String standing, List<KeyPlan> slice, Survey survey) {
    List<String> groups = survey.groups(slice);
    return plans
        .callConfigured(() -> call(replica, standing, slice, groups, survey), Reply::of)
        .thenAccept(
            reply -> {
              if (reply instanceof Reply.Done done) {
                survey.add(slice, groups, done);
              } else {
                String pool = plans.candidates().plan().name();
                throw new IllegalStateException("pool " + pool + " is unknown to Redis");
              }
            });
  }

  private Call call(
      String replica, String standing, List<KeyPlan> slice, List<String> groups, Survey survey) {
    List<byte[]> args = new ArrayList<>(List.of(bytes(replica)));
    args.addAll(caller.clockArgs());
    args.add(bytes(survey.pictureAgeMs(STALE_MS, NEVER_STALE_MS)));
    args.add(bytes(standing));
    args.add(bytes(groups.size()));
    groups.forEach(g -> args.add(bytes(g)));
    for (KeyPlan key : slice) {
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
