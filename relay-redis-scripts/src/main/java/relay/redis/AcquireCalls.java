package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
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

  /** Requests that wait for a call of their pool's; more are refused at once. */
  private static final int MOST_QUEUED = 50_000;

  /** A request that waited longer is refused: its client would give up soon, others come first. */
  private static final long MOST_QUEUED_NANOS = 5_000_000_000L;

  private final PoolScripts scripts;
  private final Candidates candidates;
  private final LeaseEndings settlements;
  private final Map<String, Coalescer<Wish>> shared = new ConcurrentHashMap<>();

  private final AtomicInteger queued = new AtomicInteger();

  private record Wish(
      String id, Demand demand, CompletableFuture<Reply> reply, long queuedAtNanos) {

    Wish(String id, Demand demand) {
      this(id, demand, new CompletableFuture<>(), System.nanoTime());
    }

    /** Refuses it if it waited too long for a call. */
    boolean isStale(long nowNanos) {
      return nowNanos - queuedAtNanos > MOST_QUEUED_NANOS
          && reply.completeExceptionally(new QueueFullException());
    }
  }

  /** What a call answered. */
  private record Answer(List<Reply> endings, List<Reply> wishes) {
    static Answer of(List<Object> raw, int endings) {
      if (Reply.isUnknown(raw)) {
        throw new IllegalStateException("Redis does not know the pool, though it was told");
      }
      return new Answer(Reply.ofEndings(raw, endings), Reply.ofAcquire(raw, endings));
    }
  }

  AcquireCalls(PoolScripts scripts, Candidates candidates, LeaseEndings settlements) {
    this.scripts = scripts;
    this.candidates = candidates;
    this.settlements = settlements;
  }

  /** One wish. Those that have the same candidates may share a call. */
  CompletableFuture<Reply> acquire(String id, Demand demand) {
    candidates.check(demand);
    if (queued.get() >= MOST_QUEUED) {
      return CompletableFuture.failedFuture(new QueueFullException());
    }
    queued.getAndIncrement();
    Wish wish = new Wish(id, demand);
    if (demand.avoid().isEmpty()) {
      String alike =
          demand.modelClass() + (demand.session().isEmpty() ? " " : " session ") + demand.key();
      shared
          .computeIfAbsent(alike, c -> new Coalescer<>(UNDER_WAY, TOGETHER, this::send))
          .add(wish);
    } else {
      var _ = send(List.of(wish));
    }
    return wish.reply;
  }

  private CompletableFuture<?> send(List<Wish> all) {
    queued.getAndAdd(-all.size());
    List<Wish> wishes = new ArrayList<>(all);
    long now = System.nanoTime();
    wishes.removeIf(wish -> wish.isStale(now));
    if (wishes.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return send(wishes, MOST_LOOKS);
  }

  private CompletableFuture<?> send(List<Wish> wishes, int looks) {
    List<Ending> endings = namesAll(wishes.getFirst().demand) ? settlements.take() : List.of();
    return scripts
        .known(() -> call(wishes, endings), raw -> Answer.of(raw, endings.size()))
        .handle(
            (told, failure) -> {
              settlements.tookAlong(endings, told == null ? null : told.endings(), failure);
              answer(wishes, told == null ? null : told.wishes(), failure, looks);
              return null;
            });
  }

  /** Whether its call names all ready sets, where there are some: those of the endings, too. */
  private boolean namesAll(Demand demand) {
    return !candidates.isIndexed() || demand.key().isEmpty();
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

  private Call call(List<Wish> wishes, List<Ending> endings) {
    Demand first = wishes.getFirst().demand;
    List<byte[]> k = scripts.leaseKeys();
    if (!first.session().isEmpty()) {
      wishes.forEach(wish -> k.add(candidates.session(wish.demand)));
    }
    StringBuilder line = scripts.callLine().append(' ').append(endings.size());
    List<byte[]> args = new ArrayList<>(2 + endings.size() + wishes.size());
    boolean indexed = candidates.isIndexed() && first.key().isEmpty();
    if (indexed) {
      line.append(' ').append(wishes.size());
      line.append(' ').append(first.session().isEmpty() ? 0 : wishes.size());
      candidates.appendReadySets(first.modelClass(), line);
      k.addAll(candidates.readySets());
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
