package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.PoolScripts.Call;
import relay.redis.Unsent.Ending;

/**
 * Wishes for a key, made into calls of {@code acquire} or {@code acquire_indexed}, which take along
 * the endings of leases that are held.
 */
final class AcquireCalls {
  private static final int UNDER_WAY = 2;
  private static final int TOGETHER = 16;
  private static final int MOST_LOOKS = 1_000; // of 64 candidates each

  private final PoolScripts scripts;
  private final LeaseEndings settlements;
  private final Map<String, Coalescer<Wish>> shared = new ConcurrentHashMap<>();

  private record Wish(String id, Demand demand, CompletableFuture<Reply> reply) {}

  /** What a call answered. */
  private record Answer(List<Reply> endings, List<Reply> wishes) {
    static Answer of(List<Object> raw, int endings) {
      if (Reply.isUnknown(raw)) {
        throw new IllegalStateException("Redis does not know the pool, though it was told");
      }
      return new Answer(Reply.ofEndings(raw, endings), Reply.ofAcquire(raw, endings));
    }
  }

  AcquireCalls(PoolScripts scripts, LeaseEndings settlements) {
    this.scripts = scripts;
    this.settlements = settlements;
  }

  /** One wish. Those that have the same candidates may share a call. */
  CompletableFuture<Reply> acquire(String id, Demand demand) {
    Wish wish = new Wish(id, demand, new CompletableFuture<>());
    if (demand.avoid().isEmpty()) {
      String alike =
          demand.modelClass() + (demand.session().isEmpty() ? " " : " session ") + demand.key();
      shared
          .computeIfAbsent(alike, c -> new Coalescer<>(UNDER_WAY, TOGETHER, this::send))
          .add(wish);
    } else {
      var _ = send(List.of(wish));
    }
    scripts.watch(wish.reply); // after its call: when both run out of time, the link knows first
    return wish.reply;
  }

  /** Forgets what calls of keys that have gone shared. */
  void retain(Predicate<String> keys) {
    shared.keySet().removeIf(alike -> !keys.test(alike.substring(alike.lastIndexOf(' ') + 1)));
  }

  private CompletableFuture<?> send(List<Wish> all) {
    List<Wish> wishes = new ArrayList<>(all);
    wishes.removeIf(wish -> wish.reply.isDone());
    if (wishes.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return send(wishes, MOST_LOOKS);
  }

  private CompletableFuture<?> send(List<Wish> wishes, int looks) {
    Candidates shape = scripts.candidates();
    Demand first = shape.served(wishes.getFirst().demand);
    if (first == null) {
      wishes.forEach(wish -> wish.reply.complete(new Reply.Refusal(new NoneUsable())));
      return CompletableFuture.completedFuture(null);
    }
    List<Ending> endings = scripts.endsWith(first) ? settlements.take() : List.of();
    return scripts
        .known(() -> call(shape, first, wishes, endings), raw -> Answer.of(raw, endings.size()))
        .handle(
            (told, failure) -> {
              settlements.tookAlong(endings, told == null ? null : told.endings(), failure);
              answer(wishes, told == null ? null : told.wishes(), failure, looks);
              return null;
            });
  }

  private void answer(
      List<Wish> wishes, @Nullable List<Reply> replies, @Nullable Throwable failure, int looks) {
    List<Wish> again = new ArrayList<>();
    for (int n = 0; n < wishes.size(); n++) {
      Wish wish = wishes.get(n);
      if (replies == null) {
        wish.reply.completeExceptionally(
            failure == null ? new IllegalStateException("no reply") : failure);
      } else if (replies.get(n) instanceof Reply.LookAgain && looks > 0) {
        again.add(wish);
      } else {
        wish.reply.complete(replies.get(n));
      }
    }
    if (!again.isEmpty()) {
      var _ = send(again, looks - 1);
    }
  }

  /** By the present plan, or by the one of the first call if its key has gone since. */
  private Call call(Candidates shape, Demand first, List<Wish> wishes, List<Ending> endings) {
    Candidates now = scripts.candidates();
    Demand served = now.served(wishes.getFirst().demand);
    return served == null
        ? callOf(shape, first, wishes, endings)
        : callOf(now, served, wishes, endings);
  }

  private Call callOf(
      Candidates candidates, Demand first, List<Wish> wishes, List<Ending> endings) {
    List<byte[]> k = scripts.leaseKeys();
    if (!first.session().isEmpty()) {
      wishes.forEach(wish -> k.add(candidates.session(first.modelClass(), wish.demand.session())));
    }
    StringBuilder line = scripts.callLine().append(' ').append(endings.size());
    List<byte[]> args = new ArrayList<>(2 + endings.size() + wishes.size());
    boolean indexed = candidates.isIndexed() && first.key().isEmpty();
    if (indexed) {
      line.append(' ').append(wishes.size());
      line.append(' ').append(first.session().isEmpty() ? 0 : wishes.size());
      candidates.appendReadySets(first.modelClass(), line);
      k.addAll(candidates.allSets());
    } else {
      args.add(candidates.lineOf(first));
    }
    PoolScripts.tell(endings, line, args);
    for (Wish wish : wishes) {
      line.append(' ').append(wish.demand.inputTokens());
      line.append(' ').append(wish.demand.outputTokens());
      args.add(bytes(wish.id));
    }
    args.addFirst(bytes(line.toString()));
    if (indexed) {
      candidates.avoided(first).forEach(row -> args.add(bytes(row)));
    }
    return new Call(indexed ? ScriptFile.ACQUIRE_INDEXED : ScriptFile.ACQUIRE, k, args);
  }
}
