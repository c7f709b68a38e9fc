package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import relay.redis.PoolScripts.Call;

/** Wishes for a key, made into calls of {@code acquire} or {@code acquire_indexed}. */
final class AcquireCalls {
  private static final int UNDER_WAY = 2;
  private static final int TOGETHER = 16;
  private static final int MOST_LOOKS = 1_000; // of 64 candidates each

  private final PoolScripts scripts;
  private final Candidates candidates;
  private final Runnable beforeCall;
  private final Map<String, Coalescer<Wish>> shared = new ConcurrentHashMap<>();

  private record Wish(String id, Demand demand, CompletableFuture<Reply> reply) {}

  AcquireCalls(PoolScripts scripts, Candidates candidates, Runnable beforeCall) {
    this.beforeCall = beforeCall;
    this.scripts = scripts;
    this.candidates = candidates;
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

  private CompletableFuture<?> send(List<Wish> all) {
    List<Wish> wishes = all.stream().filter(wish -> !wish.reply.isDone()).toList();
    if (wishes.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return send(wishes, MOST_LOOKS);
  }

  private CompletableFuture<?> send(List<Wish> wishes, int looks) {
    beforeCall.run();
    return scripts
        .known(() -> call(wishes), raw -> Reply.ofAcquire(raw))
        .handle(
            (replies, failure) -> {
              answer(wishes, replies, failure, looks);
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

  private Call call(List<Wish> wishes) {
    Demand first = wishes.getFirst().demand;
    List<byte[]> k = scripts.leaseKeys();
    if (!first.session().isEmpty()) {
      wishes.forEach(wish -> k.add(candidates.session(wish.demand)));
    }
    StringBuilder line = scripts.callLine();
    List<byte[]> args = new ArrayList<>(2 + wishes.size());
    boolean indexed = candidates.isIndexed() && first.key().isEmpty();
    if (indexed) {
      List<byte[]> sets = candidates.readySetsOf(first.modelClass());
      line.append(' ').append(wishes.size());
      line.append(' ').append(first.session().isEmpty() ? 0 : wishes.size());
      line.append(' ').append(sets.size());
      k.addAll(sets);
      candidates.readySets().stream().filter(set -> !sets.contains(set)).forEach(k::add);
    } else {
      args.add(candidates.lineOf(first));
    }
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
