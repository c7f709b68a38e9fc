package relay.redis;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import relay.redis.model.KeyPlan;
import relay.redis.script.PoolScripts;

/** Tells Redis which keys have a new secret. {@link #sendAgain} repeats failed calls. */
final class Rekeys {
  private final PoolScripts scripts;
  private final Set<String> unsent = ConcurrentHashMap.newKeySet();

  Rekeys(PoolScripts scripts) {
    this.scripts = scripts;
  }

  /**
   * Sends the ids after the announcement of their plan.
   *
   * @param announced completes when Redis has the plan
   */
  CompletableFuture<Void> send(CompletableFuture<Void> announced, Set<String> ids) {
    return announced
        .thenCompose(done -> scripts.standings().rekey(List.copyOf(ids)))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                unsent.addAll(ids);
              }
            });
  }

  /** Sends the ids of failed calls again, except keys that the plan no longer has. */
  void sendAgain() {
    if (unsent.isEmpty()) {
      return;
    }
    Set<String> some = Set.copyOf(unsent);
    unsent.removeAll(some);
    List<String> known =
        scripts.plan().keys().stream().map(KeyPlan::id).filter(some::contains).toList();
    var _ =
        scripts
            .standings()
            .rekey(known)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    unsent.addAll(known);
                  }
                });
  }
}
