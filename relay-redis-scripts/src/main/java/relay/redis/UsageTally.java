package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.model.Limits;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;

/**
 * Counts the usage of clients without limits of their own, over all replicas, for display only.
 * Nothing is reserved, and no request waits. Each replica counts in memory and sends the increments
 * to Redis once a second. Thread-safe; only {@link #close} blocks.
 *
 * <p>Increments are sent at most once: if Redis fails during a call, they count once or not at all.
 * Usage during an outage is sent when Redis is back.
 */
public final class UsageTally {
  /** Slots of two seconds: one more than a minute needs, because the present one is incomplete. */
  static final int SLOTS = 31;

  private static final int TICKS_PER_SEND = 2;

  /** Clients per write. A write takes Redis some 3 us per client. */
  private static final int WRITE_BATCH = 100;

  /** Clients per read. A read takes some 5 us per client, or 60 us if all slots are in use. */
  private static final int READ_BATCH = 50;

  private static final byte[] REAL_TIME = bytes("-");

  private final RedisLink link;
  private final RedisKeys keys;
  private final byte[] replica;
  private final byte[] leaseMs;
  private final byte[][] tallyKeys;
  private final long resendNanos;
  private volatile Map<String, Count> counts; // fixed after construction
  private volatile List<String> shown;
  private final Queue<Count> queue = new ConcurrentLinkedQueue<>();
  private CompletableFuture<Void> sending = CompletableFuture.completedFuture(null);
  private long resentAt = System.nanoTime();
  private int ticks;
  private volatile Read read = new Read(Map.of(), System.nanoTime()); // the last

  private static final Standing NOTHING = new Standing(Usage.NONE, 0);

  /**
   * A client's usage.
   *
   * @param used by requests that ended in the last minute
   * @param inFlight requests in flight
   */
  public record Standing(Usage used, long inFlight) {
    static Standing of(Reply reply) {
      return reply instanceof Reply.InUse(Usage used, long inFlight)
          ? new Standing(used, inFlight)
          : NOTHING; // its limits have gone
    }
  }

  /**
   * The usage of the clients that are counted.
   *
   * @param age zero if Redis has just answered
   */
  public record Known(Map<String, Standing> standings, Duration age) {}

  private record Read(Map<String, Standing> standings, long askedAt) {}

  UsageTally(RedisLink link, EngineOptions options, String pool, Collection<String> clients) {
    this.link = link;
    keys = new RedisKeys(options.prefix(), pool);
    replica = bytes(options.replica());
    leaseMs = bytes(options.lease().toMillis());
    resendNanos = options.lease().toNanos() / 3;
    byte[][] slots = keys.used(SLOTS);
    tallyKeys = new byte[2 + SLOTS][];
    tallyKeys[0] = keys.counting;
    tallyKeys[1] = keys.running(options.replica());
    System.arraycopy(slots, 0, tallyKeys, 2, SLOTS);
    shown = List.copyOf(clients);
    counts = counts(shown, Map.of());
  }

  /** With the counts of these clients as they are, and those of others that still have requests. */
  private static Map<String, Count> counts(List<String> clients, Map<String, Count> before) {
    Map<String, Count> all = new LinkedHashMap<>();
    clients.forEach(
        client -> all.put(client, before.getOrDefault(client, new Count(bytes(client)))));
    before.forEach(
        (client, count) -> {
          if (count.inFlight.get() > 0) {
            all.putIfAbsent(client, count);
          }
        });
    return all;
  }

  /**
   * Changes who is counted. What clients have used stays; requests of one that goes are counted
   * until they end.
   *
   * @param clients all that are counted from now on
   */
  public synchronized void reconfigure(Collection<String> clients) {
    shown = List.copyOf(clients);
    counts = counts(shown, counts);
  }

  /** One client's usage at this replica. */
  private static final class Count {
    final byte[] client;
    final AtomicInteger inFlight = new AtomicInteger();
    final LongAdder requests = new LongAdder();
    final LongAdder inputTokens = new LongAdder();
    final LongAdder outputTokens = new LongAdder();
    final AtomicBoolean isQueued = new AtomicBoolean();
    private Usage reported = Usage.NONE; // written by one call at a time

    Count(byte[] client) {
      this.client = client;
    }

    Increment take() {
      isQueued.set(false); // reset before reading: a concurrent change queues the client again
      Usage all = new Usage(requests.sum(), inputTokens.sum(), outputTokens.sum());
      Increment fresh = new Increment(this, minus(all, reported), inFlight.get());
      reported = all;
      return fresh;
    }

    private static Usage minus(Usage all, Usage part) {
      return new Usage(
          all.requests() - part.requests(),
          all.inputTokens() - part.inputTokens(),
          all.outputTokens() - part.outputTokens());
    }
  }

  /** One client's increments for Redis. */
  private record Increment(Count of, Usage used, int inFlight) {
    void addTo(List<byte[]> args) {
      args.add(of.client);
      for (long number : new long[] {used.requests(), used.inputTokens(), used.outputTokens()}) {
        args.add(bytes(Math.min(number, Limits.MAX)));
      }
      args.add(bytes(Math.max(0, inFlight)));
    }

    /** Redis did not count it: it is sent again. */
    void notArrived() {
      of.reported = Count.minus(of.reported, used);
    }
  }

  /** Counts a request in flight. Does nothing for a client that is not counted. */
  public void began(String client) {
    Count count = counts.get(client);
    if (count != null) {
      count.inFlight.incrementAndGet();
      note(count);
    }
  }

  /** Ends a request in flight and counts its usage. */
  public void ended(String client, Usage used) {
    Count count = counts.get(client);
    if (count != null) {
      count.requests.add(used.requests());
      count.inputTokens.add(used.inputTokens());
      count.outputTokens.add(used.outputTokens());
      count.inFlight.decrementAndGet();
      note(count);
    }
  }

  private void note(Count count) {
    if (count.isQueued.compareAndSet(false, true)) {
      queue.add(count);
    }
  }

  /** Called twice a second while Redis answers. */
  synchronized void tick() {
    if (link.isUp() && ticks++ % TICKS_PER_SEND == 0 && sending.isDone()) {
      long now = System.nanoTime();
      if (now - resentAt >= resendNanos) {
        resentAt = now; // in-flight counts expire in Redis, and Redis may have lost them
        counts.values().stream().filter(count -> count.inFlight.get() > 0).forEach(this::note);
      }
      sending = send();
    }
  }

  /** Sends all increments after the call in flight. Fails if Redis does not accept them. */
  private synchronized CompletableFuture<Void> flush() {
    sending = sending.exceptionally(failed -> null).thenCompose(done -> send());
    return sending;
  }

  private CompletableFuture<Void> send() {
    List<Count> changed = new ArrayList<>();
    for (Count count; changed.size() < WRITE_BATCH && (count = queue.poll()) != null; ) {
      changed.add(count);
    }
    if (changed.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    // Read the counts after the polls: a client may be queued twice, but a call names each once
    List<Increment> some = changed.stream().map(Count::take).toList();
    List<byte[]> args = new ArrayList<>(List.of(REAL_TIME, replica, leaseMs));
    some.forEach(each -> each.addTo(args));
    return link.call(ScriptFile.TALLY, tallyKeys, args.toArray(byte[][]::new))
        .whenComplete(
            (reply, failure) -> {
              if (failure != null) {
                failed(some, RedisLink.cause(failure));
              }
            })
        .thenCompose(
            reply -> some.size() < WRITE_BATCH ? CompletableFuture.completedFuture(null) : send());
  }

  private void failed(List<Increment> some, Throwable failure) {
    switch (failure) {
      case RedisGoneException _ -> some.forEach(Increment::notArrived);
      case RedisCommandExecutionException refused -> {
        link.reportRefusal("to count clients' usage", refused);
        some.forEach(Increment::notArrived);
      }
      default -> {} // the call may have been executed
    }
    some.forEach(each -> note(each.of)); // in-flight counts may be sent twice
  }

  /**
   * Returns each client's usage over all replicas; other replicas' part is at most a second old.
   * The future fails when Redis cannot be asked.
   */
  public CompletableFuture<Map<String, Standing>> standings() {
    long askedAt = System.nanoTime();
    return standings(shown)
        .whenComplete(
            (all, failure) -> {
              if (failure == null) {
                read = new Read(all, askedAt);
              }
            });
  }

  /**
   * As {@link #standings}; without an answer of Redis what it said last. Until it has said anything
   * that is no use at all, as at the start.
   */
  public CompletableFuture<Known> known() {
    return standings()
        .handle(
            (all, failure) -> {
              Read last = read;
              return failure == null
                  ? new Known(all, Duration.ZERO)
                  : new Known(last.standings(), Duration.ofNanos(System.nanoTime() - last.askedAt));
            });
  }

  /** As {@link #standings}, of one client. */
  public CompletableFuture<Standing> standing(String client) {
    return standings(List.of(client)).thenApply(all -> all.getOrDefault(client, NOTHING));
  }

  private CompletableFuture<Map<String, Standing>> standings(List<String> clients) {
    if (clients.isEmpty()) {
      return CompletableFuture.completedFuture(Map.of());
    }
    Map<String, Reply.InUse> all = new HashMap<>();
    return flush()
        .thenCompose(done -> ScriptCaller.repeated(() -> ask(List.of(), List.of())))
        .thenCompose(
            first -> {
              CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
              for (int from = 0; from < clients.size(); from += READ_BATCH) {
                List<String> some =
                    clients.subList(from, Math.min(clients.size(), from + READ_BATCH));
                done =
                    done.thenCompose(
                            previous -> ScriptCaller.repeated(() -> ask(first.replicas(), some)))
                        .thenAccept(reply -> reply.addTo(all, some));
              }
              return done;
            })
        .thenApply(
            done -> {
              Map<String, Standing> standings = new HashMap<>();
              all.forEach((client, use) -> standings.put(client, Standing.of(use)));
              return standings;
            });
  }

  private CompletableFuture<Reply.Tallied> ask(List<String> replicas, List<String> clients) {
    List<byte[]> k = new ArrayList<>(List.of(keys.counting));
    k.addAll(List.of(keys.used(SLOTS)));
    replicas.forEach(each -> k.add(keys.running(each)));
    List<byte[]> args = new ArrayList<>(List.of(REAL_TIME, bytes(SLOTS)));
    clients.forEach(client -> args.add(bytes(client)));
    return link.call(ScriptFile.TALLIED, k.toArray(byte[][]::new), args.toArray(byte[][]::new))
        .thenApply(Reply::ofTallied);
  }

  /** Sends the last increments and waits for the reply, for at most a few timeouts. */
  void close() {
    flush().exceptionally(failed -> null).join();
  }
}
