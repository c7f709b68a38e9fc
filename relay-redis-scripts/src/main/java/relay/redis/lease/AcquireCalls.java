package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.PendingUpdate.Ending;
import relay.redis.library.ScriptFile;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Allowance;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Lasting;
import relay.redis.model.Share;
import relay.redis.script.Candidates;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;
import relay.redis.script.ScriptCaller.Call;

/**
 * Batches requests for keys into calls of {@code acquire} or {@code acquire_indexed}. The calls
 * also carry the pending lease endings.
 */
public final class AcquireCalls {
  private static final int MAX_IN_FLIGHT = 2;
  private static final int BATCH = 16;
  private static final int MAX_RETRIES = 1_000; // each compares up to 64 candidates

  /** Requests that wait for a call of their pool. Further ones are refused at once. */
  private static final int MAX_QUEUED = 50_000;

  /** An older request is refused: its client gives up soon, and newer ones can still be served. */
  private static final long MAX_QUEUED_NANOS = 10_000_000_000L;

  private final PoolScripts scripts;
  private final LeaseEndings leaseEndings;
  private final Map<String, Coalescer<Request>> shared = new ConcurrentHashMap<>();
  private final Map<String, LastAllowance> allowances = new ConcurrentHashMap<>(); // by key

  private final AtomicInteger queued = new AtomicInteger();

  record Request(String id, Demand demand, CompletableFuture<Reply> reply, long queuedAtNanos) {

    Request(String id, Demand demand) {
      this(id, demand, new CompletableFuture<>(), System.nanoTime());
    }

    /** Refuses the request if it has waited too long for a call. */
    boolean isRefusedAsStale(long nowNanos) {
      return nowNanos - queuedAtNanos > MAX_QUEUED_NANOS
          && reply.completeExceptionally(new QueueFullException());
    }
  }

  /** The decoded reply of a call. */
  private record Answer(List<Reply> endings, List<Reply> requests) {}

  private Answer decode(List<Object> raw, int endings, List<Request> requests, boolean named) {
    if (Reply.isUnknown(raw)) {
      throw new IllegalStateException("Redis does not know the pool right after configure");
    }
    List<Reply> replies = named ? named(raw, endings, requests) : Reply.ofAcquire(raw, endings);
    return new Answer(Reply.ofEndings(raw, endings), replies);
  }

  private List<Reply> named(List<Object> raw, int endings, List<Request> requests) {
    List<Reply> replies = Reply.ofNamed(raw, endings);
    long now = System.nanoTime();
    for (int n = 0; n < replies.size(); n++) {
      Demand demand = requests.get(n).demand;
      allowances
          .computeIfAbsent(demand.key(), key -> new LastAllowance())
          .set(raw, Reply.leftAt(endings, n), now);
      if (replies.get(n) instanceof Reply.OverBudget over) {
        replies.set(n, refusal(demand, over));
      }
    }
    return replies;
  }

  private Reply refusal(Demand demand, Reply.OverBudget over) {
    List<Budget> all = scripts.candidates().budgets().of(demand.key());
    return new Reply.Refusal(
        over.budget() < all.size()
            ? new Acquisition.OverBudget(all.get(over.budget()), over.left())
            : new NoneUsable()); // the budget went with a change of the plan
  }

  /**
   * What Redis said last of a key's limits, in a pool whose demands name the key; null if nothing.
   */
  @Nullable
  public Allowance allowance(String key) {
    LastAllowance last = allowances.get(key);
    return last == null ? null : last.get();
  }

  /** Asks for the usage of a key of such a pool, and for its allowance. Reserves nothing. */
  public CompletableFuture<Reply> ask(String key) {
    String modelClass = scripts.plan().modelClasses().getFirst();
    return acquire(ScriptCaller.text(ScriptCaller.NONE), Demand.of(modelClass, 0, 0).on(key));
  }

  public AcquireCalls(PoolScripts scripts, LeaseEndings leaseEndings) {
    this.scripts = scripts;
    this.leaseEndings = leaseEndings;
  }

  /** Requests one lease. Requests with the same candidates may share a call. */
  public CompletableFuture<Reply> acquire(String id, Demand demand) {
    if (queued.get() >= MAX_QUEUED) {
      return CompletableFuture.failedFuture(new QueueFullException());
    }
    queued.getAndIncrement();
    Request request = new Request(id, demand);
    if (!demand.pinned().isEmpty()) {
      queued.getAndDecrement();
      return pinned(id, demand);
    }
    if (demand.avoid().isEmpty()) {
      boolean named = scripts.candidates().isNamed();
      String batchKey =
          demand.alike()
              + (demand.session().isEmpty() ? " " : " session ")
              + (demand.share() == null ? "" : "shared ")
              + (named ? "" : demand.key());
      shared
          .computeIfAbsent(batchKey, c -> new Coalescer<>(MAX_IN_FLIGHT, BATCH, this::send))
          .add(request);
    } else {
      var _ = send(List.of(request));
    }
    return request.reply;
  }

  /** Requests a lease of the account that made what the request names. */
  private CompletableFuture<Reply> pinned(String id, Demand demand) {
    return scripts
        .callConfigured(
            () -> PinnedCall.of(scripts, scripts.keys(), id, demand),
            raw -> Reply.isUnknown(raw) ? new Reply.Unknown() : Reply.ofAcquire(raw, 0).getFirst())
        .thenCompose(
            reply ->
                reply instanceof Reply.Unpinned
                    ? acquire(id, demand.pinnedTo(List.of()))
                    : CompletableFuture.completedFuture(reply));
  }

  /** Forgets what calls of keys that have gone shared. */
  public void retain(Predicate<String> keys) {
    allowances.keySet().removeIf(key -> !keys.test(key));
    shared.keySet().removeIf(alike -> !keys.test(alike.substring(alike.lastIndexOf(' ') + 1)));
  }

  private CompletableFuture<?> send(List<Request> all) {
    queued.getAndAdd(-all.size());
    List<Request> requests = new ArrayList<>(all);
    long now = System.nanoTime();
    requests.removeIf(request -> request.isRefusedAsStale(now));
    if (requests.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return send(requests, MAX_RETRIES);
  }

  private CompletableFuture<?> send(List<Request> requests, int retries) {
    Candidates shape = scripts.candidates();
    if (shape.isNamed()) { // otherwise all have the same candidates
      requests.removeIf(r -> shape.served(r.demand) == null && refuse(r));
    }
    Demand first = requests.isEmpty() ? null : shape.served(requests.getFirst().demand);
    if (first == null) {
      requests.forEach(AcquireCalls::refuse);
      return CompletableFuture.completedFuture(null);
    }
    List<Ending> endings = scripts.endsWith(first) ? leaseEndings.takeForAcquire() : List.of();
    return scripts
        .callConfigured(
            () -> call(shape, first, requests, endings),
            raw -> decode(raw, endings.size(), requests, shape.isNamed()))
        .handle(
            (reply, failure) -> {
              leaseEndings.acquireDone(endings, reply == null ? null : reply.endings(), failure);
              answer(requests, reply == null ? null : reply.requests(), failure, retries);
              return null;
            });
  }

  private static boolean refuse(Request request) {
    request.reply.complete(new Reply.Refusal(new NoneUsable())); // unless it has been answered
    return true;
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

  /**
   * By the present plan, or by the one of the first call if its key has gone since. Of a call for
   * several keys, requests whose key has gone are refused: Redis refuses a call as a whole.
   */
  Call call(Candidates shape, Demand first, List<Request> requests, List<Ending> endings) {
    Candidates now = scripts.candidates();
    if (shape.isNamed()) {
      Predicate<Request> gone = request -> now.served(request.demand) == null;
      boolean nothing = endings.isEmpty() && requests.stream().allMatch(gone);
      if (nothing || !now.isNamed()) {
        return new NamedCall(scripts, shape).of(requests, endings);
      }
      requests.removeIf(request -> gone.test(request) && refuse(request));
      return new NamedCall(scripts, now).of(requests, endings);
    }
    Demand served = now.served(requests.getFirst().demand);
    return served == null
        ? callOf(shape, first, requests, endings)
        : callOf(now, served, requests, endings);
  }

  static void append(Request request, StringBuilder line, List<byte[]> args) {
    line.append(' ').append(request.demand.inputTokens());
    line.append(' ').append(request.demand.outputTokens()).append(' ');
    appendSpread(request.demand, line);
    args.add(bytes(request.id));
  }

  private static void appendShares(List<Request> requests, StringBuilder line) {
    Share first = requests.getFirst().demand.share();
    if (first == null) {
      return;
    }
    boolean areAlike = areOfOne(requests, first.client());
    if (areAlike) {
      first.appendName(line);
    }
    for (Request request : requests) {
      Share share = Objects.requireNonNull(request.demand.share());
      if (areAlike) {
        share.appendMark(line);
      } else {
        share.appendTo(line);
      }
    }
  }

  /** Whether all are of this client, and say no more. */
  private static boolean areOfOne(List<Request> requests, String client) {
    for (Request request : requests) { // no stream: this is on each request's path
      Share share = request.demand.share();
      if (share == null || !share.isPlain() || !share.client().equals(client)) {
        return false;
      }
    }
    return true;
  }

  /** Appends the spread, and how the lease lasts: {@code spread:ttl_ms:requests}. */
  static void appendSpread(Demand demand, StringBuilder line) {
    if (demand.outputSpread() == Demand.AT_ADMISSION) {
      line.append('-');
    } else {
      line.append(demand.outputSpread());
    }
    Lasting lasting = demand.lasting();
    if (lasting != null) {
      line.append(':').append(lasting.ttl().toMillis()).append(':').append(lasting.requests());
      line.append(lasting.partial() ? "+" : "");
    }
  }

  private Call callOf(
      Candidates candidates, Demand first, List<Request> requests, List<Ending> endings) {
    List<byte[]> k = scripts.caller().leaseKeys();
    if (!first.session().isEmpty()) {
      requests.forEach(
          request -> k.add(candidates.session(first.modelClass(), request.demand.session())));
    }
    StringBuilder line = scripts.callLine().append(' ').append(endings.size());
    List<byte[]> args = new ArrayList<>(2 + endings.size() + requests.size());
    boolean indexed = candidates.isIndexed() && first.key().isEmpty();
    if (indexed) {
      line.append(' ').append(requests.size());
      line.append(' ').append(first.session().isEmpty() ? 0 : requests.size());
      candidates.appendReadySets(first.modelClass(), line);
      k.addAll(candidates.allSets());
    } else {
      args.add(candidates.lineOf(first));
    }
    LeaseCalls.appendEndings(endings, line, args);
    requests.forEach(request -> append(request, line, args));
    if (indexed || !candidates.isIndexed()) { // a key by name is of no order
      appendShares(requests, line);
    }
    args.addFirst(bytes(line.toString()));
    if (indexed) {
      candidates.avoided(first).forEach(row -> args.add(bytes(row)));
      String kind = candidates.kindOf(first);
      if (!kind.isEmpty()) {
        args.add(bytes(kind));
      }
    }
    return new Call(indexed ? ScriptFile.ACQUIRE_INDEXED : ScriptFile.ACQUIRE, k, args);
  }
}
