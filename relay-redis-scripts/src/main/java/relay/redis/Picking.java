package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.outage.FairShare;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/** Picks keys for requests that no limit counts. */
final class Picking {
  private final RedisLink link;
  private final PoolScripts scripts;
  private final FairShare fairShare;
  private final Fallback fallback;

  Picking(RedisLink link, PoolScripts scripts, FairShare fairShare, Fallback fallback) {
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
    if (!demand.pinned().isEmpty()) {
      return scripts
          .owner(demand.pinned())
          .handle((owner, failure) -> owner == null ? Optional.<String>empty() : owner)
          .thenCompose(owner -> ofOwner(owner, demand, latest));
    }
    List<byte[][]> batches = scripts.candidates().samples(demand);
    CompletableFuture<Acquisition> answer = pick(demand, latest, batches.getFirst());
    for (byte[][] batch : batches.subList(1, batches.size())) {
      answer =
          answer.thenCompose(
              first ->
                  first instanceof Granted || first instanceof Unavailable
                      ? CompletableFuture.completedFuture(first)
                      : pick(demand, latest, batch).thenApply(second -> better(first, second)));
    }
    return answer;
  }

  /** A key of this account, by the last snapshot: a second call would be a second round trip. */
  private CompletableFuture<Acquisition> ofOwner(
      Optional<String> owner, Demand demand, Supplier<@Nullable PoolSnapshot> latest) {
    List<KeyPlan> keys =
        scripts.plan().keys().stream()
            .filter(key -> owner.isPresent() && key.account().equals(owner.get()))
            .toList();
    return keys.isEmpty()
        ? pick(demand.pinnedTo(List.of()), latest)
        : CompletableFuture.completedFuture(ofAccount(keys, demand, latest.get()));
  }

  private Acquisition ofAccount(List<KeyPlan> keys, Demand demand, @Nullable PoolSnapshot last) {
    Map<String, KeyState> states =
        last == null
            ? Map.of()
            : last.keys().stream().collect(Collectors.toMap(KeyState::id, state -> state));
    Duration opens = null;
    List<KeyPlan> free = new ArrayList<>();
    for (KeyPlan key : keys) {
      KeyState state = states.get(key.id());
      if (state == null || (state.quarantine() == null && state.cooldown().isZero())) {
        free.add(key);
      } else if (state.quarantine() == null) {
        opens = opens == null || state.cooldown().compareTo(opens) < 0 ? state.cooldown() : opens;
      }
    }
    if (free.isEmpty()) {
      return opens == null ? new NoneUsable() : new Exhausted(opens, Reason.COOLDOWN);
    }
    int highest = free.stream().mapToInt(KeyPlan::priority).max().orElse(0);
    List<KeyPlan> best = free.stream().filter(key -> key.priority() == highest).toList();
    List<KeyPlan> fresh = best.stream().filter(key -> !demand.avoid().contains(key.id())).toList();
    List<KeyPlan> some = fresh.isEmpty() ? best : fresh;
    KeyPlan key = some.get(ThreadLocalRandom.current().nextInt(some.size()));
    return new Granted(
        Lease.uncounted(key.id(), PoolPlan.group(key.account(), demand.modelClass())));
  }

  private CompletableFuture<Acquisition> pick(
      Demand demand, Supplier<@Nullable PoolSnapshot> latest, byte[][] batch) {
    return scripts
        .pick(batch)
        .handle(
            (reply, failure) ->
                switch (reply) {
                  case Reply.Grant g -> new Granted(Lease.uncounted(g.key(), g.group()));
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
            case FairShare.Choice.Taken t -> new Granted(Lease.uncounted(t.key().id(), t.group()));
          };
    };
  }

  /** Chooses the denial to report: the one that ends sooner, or ends at all. */
  private static Acquisition better(Acquisition a, Acquisition b) {
    return switch (b) {
      case Granted _, Overloaded _, Unavailable _, OverBudget _ -> b;
      case Exhausted e ->
          a instanceof Exhausted x && x.retryAfter().compareTo(e.retryAfter()) <= 0 ? a : b;
      case Impossible _ -> a instanceof NoneUsable ? b : a;
      case NoneUsable _ -> a;
    };
  }
}
