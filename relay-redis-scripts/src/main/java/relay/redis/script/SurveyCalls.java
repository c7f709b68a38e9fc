package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.script.ScriptCaller.Call;

/** Calls of {@code survey}: what is new, and then parts of a pool, one after the other. */
final class SurveyCalls {
  private static final String NO_NEWS = "-";
  private static final SurveyedRows.Part NOTHING = new SurveyedRows.Part(List.of(), List.of());

  private final ScriptCaller caller;
  private final PlanAnnouncer plans;
  private final String replica;
  private final BooleanSupplier hasLeft;

  /** The way in which a call treats its groups and keys. */
  enum Use {
    READ(0),
    READ_AND_DRAW(1),
    DRAW(2);

    private final int code; // in the script

    Use(int code) {
      this.code = code;
    }
  }

  /**
   * @param hasLeft whether this replica has begun to leave: a further call as one that is alive
   *     would register it again
   */
  SurveyCalls(ScriptCaller caller, PlanAnnouncer plans, String replica, BooleanSupplier hasLeft) {
    this.caller = caller;
    this.plans = plans;
    this.replica = replica;
    this.hasLeft = hasLeft;
  }

  /** The replicas and the pool's totals. */
  CompletableFuture<SurveyReply> totals(Presence as) {
    return call(as, "", Use.READ, NO_NEWS, NOTHING);
  }

  /**
   * Asks what is new.
   *
   * @param words what this replica tells of itself
   * @param news what it has read before, and what it tells the pool
   */
  CompletableFuture<SurveyReply> news(Presence as, String words, String news) {
    return call(as, words, Use.READ, news, NOTHING);
  }

  /** Reads or draws these parts. Returns the time of the last reply, 0 for none. */
  CompletableFuture<Long> all(
      Presence as, Use use, SurveyedRows into, List<SurveyedRows.Part> parts) {
    CompletableFuture<Long> done = CompletableFuture.completedFuture(0L);
    for (SurveyedRows.Part part : parts) {
      done =
          done.thenCompose(
              before -> {
                if (as instanceof Presence.Alive && hasLeft.getAsBoolean()) {
                  return CompletableFuture.failedFuture(new CancellationException("it leaves"));
                }
                return ScriptCaller.repeated(() -> call(as, "", use, NO_NEWS, part))
                    .thenApply(
                        reply -> {
                          if (use != Use.DRAW) {
                            into.add(part, reply);
                          }
                          return reply.micros();
                        });
              });
    }
    return done;
  }

  private CompletableFuture<SurveyReply> call(
      Presence as, String words, Use use, String news, SurveyedRows.Part part) {
    return plans
        .callConfigured(() -> script(as, words, use, news, part), Reply::of)
        .thenApply(
            reply -> {
              if (reply instanceof Reply.Done done) {
                return new SurveyReply(done.values());
              }
              String pool = plans.candidates().plan().name();
              throw new IllegalStateException("pool " + pool + " is unknown to Redis");
            });
  }

  private Call script(Presence as, String words, Use use, String news, SurveyedRows.Part part) {
    List<byte[]> args = new ArrayList<>();
    args.add(bytes(as instanceof Presence.Observing ? "" : replica));
    args.addAll(caller.clockArgs());
    args.add(bytes(use.code));
    args.add(bytes(as.text() + words));
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
    k.addAll(List.of(keys.breaker, keys.refused));
    k.addAll(plans.candidates().allSets());
    return new Call(ScriptFile.SURVEY, k, args);
  }
}
