package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import relay.redis.PendingUpdate.Ending;
import relay.redis.PoolScripts.Call;

/**
 * Batches requests for keys into calls of {@code acquire} or {@code acquire_indexed}. The calls
 * also carry the pending lease endings.
 */
final class AcquireCalls {
  private static final int MAX_IN_FLIGHT = 2;
  private static final int BATCH = 16;
  private static final int MAX_RETRIES = 1_000; // each compares up to 64 candidates

  private final PoolScripts scripts;
  private final Candidates candidates;
  private final LeaseEndings leaseEndings;
  private final Map<String, Coalescer<Request>> shared = new ConcurrentHashMap<>();

  private record Request(String id, Demand demand, CompletableFuture<Reply> reply) {}

  /** The decoded reply of a call. */
  private record Answer(List<Reply> endings, List<Reply> requests) {
    static Answer of(List<Object> raw, int endings) {
      if (Reply.isUnknown(raw)) {
        throw new IllegalStateException("Redis does not know the pool right after configure");
      }
      return new Answer(Reply.ofEndings(raw, endings), Reply.ofAcquire(raw, endings));
    }
  }

  AcquireCalls(PoolScripts scripts, Candidates candidates, LeaseEndings leaseEndings) {
    this.scripts = scripts;
    this.candidates = candidates;
    this.leaseEndings = leaseEndings;
  }

  /** Requests one lease. Requests with the same candidates may share a call. */
  CompletableFuture<Reply> acquire(String id, Demand demand) {
    candidates.check(demand);
    Request request = new Request(id, demand, new CompletableFuture<>());
    if (demand.avoid().isEmpty()) {
      String batchKey =
          demand.modelClass() + (demand.session().isEmpty() ? " " : " session ") + demand.key();
      shared
          .computeIfAbsent(batchKey, c -> new Coalescer<>(MAX_IN_FLIGHT, BATCH, this::send))
          .add(request);
    } else {
      var _ = send(List.of(request));
    }
    scripts.watch(request.reply); // after its call, whose deadline then expires first
    return request.reply;
  }

  private CompletableFuture<?> send(List<Request> all) {
    List<Request> requests = new ArrayList<>(all);
    requests.removeIf(request -> request.reply.isDone());
    if (requests.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return send(requests, MAX_RETRIES);
  }

  private CompletableFuture<?> send(List<Request> requests, int retries) {
    List<Ending> endings =
        namesAllReadySets(requests.getFirst().demand) ? leaseEndings.takeForAcquire() : List.of();
    return scripts
        .callConfigured(() -> call(requests, endings), raw -> Answer.of(raw, endings.size()))
        .handle(
            (reply, failure) -> {
              leaseEndings.acquireDone(endings, reply == null ? null : reply.endings(), failure);
              answer(requests, reply == null ? null : reply.requests(), failure, retries);
              return null;
            });
  }

  /** Whether the call names all ready sets of an indexed pool, which endings need. */
  private boolean namesAllReadySets(Demand demand) {
    return !candidates.isIndexed() || demand.key().isEmpty();
  }

  private void answer(
      List<Request> requests,
      @Nullable List<Reply> replies,
      @Nullable Throwable failure,
      int retries) {
    List<Request> again = new ArrayList<>();
    for (int n = 0; n < requests.size(); n++) {
      Request request = requests.get(n);
      if (replies == null) {
        request.reply.completeExceptionally(
            failure == null ? new IllegalStateException("no reply") : failure);
      } else if (replies.get(n) instanceof Reply.LookAgain && retries > 0) {
        again.add(request);
      } else {
        request.reply.complete(replies.get(n));
      }
    }
    if (!again.isEmpty()) {
      var _ = send(again, retries - 1);
    }
  }

  private Call call(List<Request> requests, List<Ending> endings) {
    Demand first = requests.getFirst().demand;
    List<byte[]> k = scripts.leaseKeys();
    if (!first.session().isEmpty()) {
      requests.forEach(request -> k.add(candidates.session(request.demand)));
    }
    StringBuilder line = scripts.callLine().append(' ').append(endings.size());
    List<byte[]> args = new ArrayList<>(2 + endings.size() + requests.size());
    boolean indexed = candidates.isIndexed() && first.key().isEmpty();
    if (indexed) {
      line.append(' ').append(requests.size());
      line.append(' ').append(first.session().isEmpty() ? 0 : requests.size());
      candidates.appendReadySets(first.modelClass(), line);
      k.addAll(candidates.readySets());
    } else {
      args.add(candidates.lineOf(first));
    }
    PoolScripts.appendEndings(endings, line, args);
    for (Request request : requests) {
      line.append(' ').append(request.demand.inputTokens());
      line.append(' ').append(request.demand.outputTokens());
      args.add(bytes(request.id));
    }
    args.addFirst(bytes(line.toString()));
    if (indexed) {
      candidates.avoided(first).forEach(row -> args.add(bytes(row)));
    }
    return new Call(indexed ? ScriptFile.ACQUIRE_INDEXED : ScriptFile.ACQUIRE, k, args);
  }
}
