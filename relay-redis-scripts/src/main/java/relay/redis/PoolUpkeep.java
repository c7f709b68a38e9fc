package relay.redis;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import relay.redis.script.ConfigMark;
import relay.redis.script.SurveyReply;

/** What the engine does with an open pool, beside the program that uses it. */
final class PoolUpkeep {
  private final PoolComposition parts;

  PoolUpkeep(PoolComposition parts) {
    this.parts = parts;
  }

  /** Gets what each heartbeat tells of the pool's provider. */
  void tells(Consumer<SurveyReply.Beside> listener) {
    parts.scripts.fleet().tells(parts.sweeps.also(listener));
  }

  /** Later surveys and announcements tell Redis this configuration. */
  void runs(ConfigMark mark) {
    parts.scripts.plans().runs(mark);
  }

  /** Called twice a second: heartbeat, outage usage, renewals. */
  void tick() {
    parts.heartbeat.tick();
    parts.ledger.tick();
  }

  /** Whether the pool's slot is one of these. */
  boolean isIn(IntPredicate slots) {
    return parts.link.isIn(slots);
  }

  /** Announces the pool to another master, or one that is up again, and charges lost grants. */
  void announceAgain() {
    parts.heartbeat.announceAgain();
  }

  /** Whether the pool was retired and its last lease has ended. It then needs no more ticks. */
  boolean isOver() {
    return parts.retirement.over().isDone();
  }

  /** Refuses all parked requests, and sends all pending lease endings. */
  void close() {
    parts.room.close();
    parts.leaseEndings.close();
  }

  /** The last survey: updates the readable picture and removes this replica. */
  CompletableFuture<Void> leave() {
    return parts.heartbeat.leave();
  }
}
