package relay.redis.lease;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.Queue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.RedisTrouble;
import relay.redis.script.PoolScripts;

/** Updates of a pool that did not reach Redis: they are sent again at the next tick. */
final class UnsentUpdates {
  static final int MOST = 10_000;

  private static final Logger log = LoggerFactory.getLogger(UnsentUpdates.class);

  private final PoolScripts scripts;
  private final LongSupplier nanoTime;
  private final Queue<PendingUpdate> updates = new LinkedBlockingQueue<>(MOST);

  UnsentUpdates(PoolScripts scripts, LongSupplier nanoTime) {
    this.scripts = scripts;
    this.nanoTime = nanoTime;
  }

  boolean isEmpty() {
    return updates.isEmpty();
  }

  /** Takes all updates that are kept now. */
  void take(Consumer<PendingUpdate> send) {
    for (int n = updates.size(); n > 0; n--) {
      PendingUpdate update = updates.poll();
      if (update != null) {
        send.accept(update);
      }
    }
  }

  /**
   * A call with an update is over.
   *
   * @param failure null if Redis has taken it
   */
  void keepIfFailed(PendingUpdate update, @Nullable Throwable failure) {
    if (failure == null) {
      return;
    }
    if (RedisLink.cause(failure) instanceof RedisCommandExecutionException refusal
        && !RedisLink.isTransient(refusal)) {
      if (RedisTrouble.isMissingRights(String.valueOf(refusal.getMessage()))) {
        scripts.reportRefusal("to end leases", refusal);
      } else {
        log.warn("Pool {}: Redis refused {}: {}", pool(), update, refusal.getMessage());
      }
    } else if (RedisLink.cause(failure) instanceof RedisGoneException) {
      keep(update); // it was not sent
    } else {
      keep(update.unansweredAt(nanoTime.getAsLong()));
    }
  }

  /** Keeps it until the next tick. */
  void keep(PendingUpdate update) {
    if (!updates.offer(update)) {
      log.warn("Pool {} drops {}: too many updates wait for Redis", pool(), update);
    }
  }

  private String pool() {
    return scripts.plan().name();
  }
}
