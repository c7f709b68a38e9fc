package relay.redis;

import static relay.redis.RedisKeys.bytes;

import io.lettuce.core.RedisCommandExecutionException;
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

/**
 * What clients without limits of their own use, counted by all replicas together, for people to
 * see: nothing is reserved, and no request waits for it. Each replica counts in memory, and once a
 * second tells Redis what is new. Thread-safe; nothing blocks but {@link #close}.
 *
 * <p>What is told is never told again, so if Redis dies over it, it counts once or not at all. What
 * was counted while Redis was away counts when it is back.
 */
public final class UsageTally {
  /** Of two seconds each: one more than a minute has, for the present one has only begun. */
  static final int SLOTS = 31;

  private static final int TICKS_TO_SEND = 2;

  /** A call keeps Redis busy for some 3 us a client. */
  private static final int TOLD_TOGETHER = 100;

  /** And a question for some 5, or 60 if it was busy all the time. */
  private static final int ASKED_TOGETHER = 50;

  private static final byte[] REAL_TIME = bytes("-");

  private final RedisLink link;
  private final RedisKeys keys;
  private final byte[] replica;
  private final byte[] leaseMs;
  private final byte[][] told;
  private final long toldAgainNanos;
  private volatile Map<String, Count> counts; // which stays as it is made
  private volatile List<String> shown;
  private final Queue<Count> news = new ConcurrentLinkedQueue<>();
  private CompletableFuture<Void> sending = CompletableFuture.completedFuture(null);
  private long toldAllNanos = System.nanoTime();
  private int ticks;

  /**
   * What a client uses.
   *
   * @param used by requests that ended in the last minute
   * @param inFlight requests that have begun and not ended
   */
  public record Standing(Usage used, long inFlight) {}

  UsageTally(RedisLink link, EngineOptions options, String pool, Collection<String> clients) {
    this.link = link;
    keys = new RedisKeys(options.prefix(), pool);
    replica = bytes(options.replica());
    leaseMs = bytes(options.lease().toMillis());
    toldAgainNanos = options.lease().toNanos() / 3;
    byte[][] slots = keys.used(SLOTS);
    told = new byte[2 + SLOTS][];
    told[0] = keys.counting;
    told[1] = keys.running(options.replica());
    System.arraycopy(slots, 0, told, 2, SLOTS);
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

  /** What one client did, as this replica counts it. */
  private static final class Count {
    final byte[] client;
    final AtomicInteger inFlight = new AtomicInteger();
    final LongAdder requests = new LongAdder();
    final LongAdder inputTokens = new LongAdder();
    final LongAdder outputTokens = new LongAdder();
    final AtomicBoolean hasNews = new AtomicBoolean();
    private Usage told = Usage.NONE; // of the one call at a time

    Count(byte[] client) {
      this.client = client;
    }

    News take() {
      hasNews.set(false); // before the look: what comes during it is news again
      Usage all = new Usage(requests.sum(), inputTokens.sum(), outputTokens.sum());
      News fresh = new News(this, minus(all, told), inFlight.get());
      told = all;
      return fresh;
    }

    private static Usage minus(Usage all, Usage part) {
      return new Usage(
          all.requests() - part.requests(),
          all.inputTokens() - part.inputTokens(),
          all.outputTokens() - part.outputTokens());
    }
  }

  /** What Redis is told of a client. */
  private record News(Count of, Usage used, int inFlight) {
    void addTo(List<byte[]> args) {
      args.add(of.client);
      for (long number : new long[] {used.requests(), used.inputTokens(), used.outputTokens()}) {
        args.add(bytes(Math.min(number, Limits.MAX)));
      }
      args.add(bytes(Math.max(0, inFlight)));
    }

    /** It did not arrive. */
    void untold() {
      of.told = Count.minus(of.told, used);
    }
  }

  /** A request of a client begins; of one that is not counted nothing is noted. */
  public void began(String client) {
    Count count = counts.get(client);
    if (count != null) {
      count.inFlight.incrementAndGet();
      note(count);
    }
  }

  /** A request that began has ended, and has used this. */
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
    if (count.hasNews.compareAndSet(false, true)) {
      news.add(count);
    }
  }

  /** Called twice a second while Redis answers. */
  synchronized void tick() {
    if (ticks++ % TICKS_TO_SEND == 0 && sending.isDone()) {
      long now = System.nanoTime();
      if (now - toldAllNanos >= toldAgainNanos) {
        toldAllNanos = now; // it is believed for a while only, and Redis may have lost it
        counts.values().stream().filter(count -> count.inFlight.get() > 0).forEach(this::note);
      }
      sending = send();
    }
  }

  /** Tells what is new, when what is being told has arrived. Fails if Redis does not hear it. */
  private synchronized CompletableFuture<Void> tellAll() {
    sending = sending.exceptionally(failed -> null).thenCompose(done -> send());
    return sending;
  }

  private CompletableFuture<Void> send() {
    List<Count> changed = new ArrayList<>();
    for (Count count; changed.size() < TOLD_TOGETHER && (count = news.poll()) != null; ) {
      changed.add(count);
    }
    if (changed.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    // Only now, for a count that was taken may have news again, and a call names each client once
    List<News> some = changed.stream().map(Count::take).toList();
    List<byte[]> args = new ArrayList<>(List.of(REAL_TIME, replica, leaseMs));
    some.forEach(each -> each.addTo(args));
    return link.call(ScriptFile.TALLY, told, args.toArray(byte[][]::new))
        .whenComplete(
            (reply, failure) -> {
              if (failure != null) {
                failed(some, RedisLink.cause(failure));
              }
            })
        .thenCompose(
            reply ->
                some.size() < TOLD_TOGETHER ? CompletableFuture.completedFuture(null) : send());
  }

  private void failed(List<News> some, Throwable failure) {
    switch (failure) {
      case RedisGoneException _ -> some.forEach(News::untold);
      case RedisCommandExecutionException refused -> {
        link.refused("to count clients' usage", refused);
        some.forEach(News::untold);
      }
      default -> {} // it may have arrived
    }
    some.forEach(each -> note(each.of)); // what is in flight can be told twice
  }

  /**
   * What each client uses, over all replicas; what others counted is a second old at most. The
   * future fails when Redis could not be asked.
   */
  public CompletableFuture<Map<String, Standing>> standings() {
    List<String> clients = shown;
    if (clients.isEmpty()) {
      return CompletableFuture.completedFuture(Map.of());
    }
    Map<String, Standing> all = new HashMap<>();
    return tellAll()
        .thenCompose(done -> ask(List.of(), List.of()))
        .thenCompose(
            first -> {
              CompletableFuture<Void> asked = CompletableFuture.completedFuture(null);
              for (int from = 0; from < clients.size(); from += ASKED_TOGETHER) {
                List<String> some =
                    clients.subList(from, Math.min(clients.size(), from + ASKED_TOGETHER));
                asked =
                    asked
                        .thenCompose(done -> ask(first.replicas(), some))
                        .thenAccept(reply -> reply.addTo(all, some));
              }
              return asked;
            })
        .thenApply(done -> all);
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

  /** Tells what is not told yet, and waits for it, but never longer than for a few calls. */
  void close() {
    tellAll().exceptionally(failed -> null).join();
  }
}
