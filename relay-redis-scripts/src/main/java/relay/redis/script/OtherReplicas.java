package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import relay.redis.library.ScriptFile;
import relay.redis.script.ScriptCaller.Call;

/** The other replicas and their plans, as surveys show them, and how this replica reacts. */
final class OtherReplicas {
  private final ScriptCaller caller;
  private final PlanAnnouncer plans;
  private final Introductions introductions;
  private volatile String alive = "";
  private volatile int count = 1;

  OtherReplicas(ScriptCaller caller, PlanAnnouncer plans, Introductions introductions) {
    this.caller = caller;
    this.plans = plans;
    this.introductions = introductions;
  }

  /** The replicas that the last survey saw alive, separated by blanks. */
  String alive() {
    return alive;
  }

  /** The number of those that the last heartbeat saw alive. */
  int count() {
    return count;
  }

  /** A heartbeat has counted them. */
  void counted(int replicas) {
    count = replicas;
  }

  /**
   * Learns other replicas' plans: updates the index, and announces this replica's plan again if
   * asked to.
   *
   * @param takesPart whether this process is a replica that stays
   * @param announcement number of the last announcement before the survey. If it is another now,
   *     the request to announce again is out of date
   */
  void heard(SurveyReply.Fleet fleet, boolean takesPart, long announcement) {
    alive = fleet.replicas().lines().findFirst().orElse("");
    introductions.heard(plans.candidates().plan().name(), fleet.replicas(), System.nanoTime());
    Set<String> fresh = plans.learnSets(fleet.sets());
    if (!takesPart) {
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
