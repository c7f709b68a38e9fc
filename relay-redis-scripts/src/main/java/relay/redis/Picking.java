package relay.redis;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;

/** Picks keys for requests that no limit counts. */
final class Picking {
  private final KeyPool pool;
  private final RedisLink link;
  private final PoolScripts scripts;
  private final FairShare fairShare;
  private final Fallback fallback;

  Picking(
      KeyPool pool, RedisLink link, PoolScripts scripts, FairShare fairShare, Fallback fallback) {
    this.pool = pool;
    this.link = link;
    this.scripts = scripts;
    this.fairShare = fairShare;
    this.fallback = fallback;
  }

  /** As {@link KeyPool#pick}; {@code latest} gives the last snapshot of the pool. */
  CompletableFuture<Acquisition> pick(Demand demand, Supplier<@Nullable PoolSnapshot> latest) {
    if (!link.isUp()) {
      return CompletableFuture.completedFuture(withoutRedis(demand, latest));
    }
    List<byte[][]> batches = scripts.samples(demand);
    CompletableFuture<Acquisition> answer = pick(demand, latest, batches.getFirst());
    for (byte[][] batch : batches.subList(1, batches.size())) {
      answer =
          answer.thenCompose(
              first ->
                  first instanceof Granted || first instanceof Unavailable
                      ? CompletableFuture.completedFuture(first)
                      : pick(demand, latest, batch)
                          .thenApply(second -> Candidates.better(first, second)));
    }
    return answer;
  }

  private CompletableFuture<Acquisition> pick(
      Demand demand, Supplier<@Nullable PoolSnapshot> latest, byte[][] batch) {
    return scripts
        .pick(batch)
        .handle(
            (reply, failure) ->
                switch (reply) {
                  case Reply.Grant g -> new Granted(Lease.uncounted(pool, g.key(), g.group()));
                  case Reply.Refusal r -> r.why();
                  case null, default -> withoutRedis(demand, latest);
                });
  }

  private Acquisition withoutRedis(Demand demand, Supplier<@Nullable PoolSnapshot> latest) {
    return switch (fallback) {
      case CLOSED -> new Unavailable();
      case FAIR_SHARE, OPEN ->
          switch (fairShare.pick(demand, latest.get())) {
            case FairShare.Choice.Refused r -> r.why();
            case FairShare.Choice.Taken t ->
                new Granted(Lease.uncounted(pool, t.key().id(), t.group()));
          };
    };
  }
}
