package relay.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admission.BackgroundLease;
import relay.model.TokenUsage;
import relay.redis.Pins;

/**
 * The leases of responses that this replica had made and that run on in the background, at most
 * {@value #MOST}. One ends when an answer to any replica shows that its response is over, or when
 * for some time none has shown that it runs. Other replicas tell what they see through Redis, which
 * is read each {@value #LOOK_MS} ms while a lease is held. Thread-safe.
 */
final class BackgroundResponses {
  static final int MOST = 1_000;

  private static final int LOOK_MS = 500;
  private static final int BATCH = 100;
  private static final String OVER = "over";

  private final Duration most;
  private final Executor later;
  private final LongSupplier nanoTime;
  private final Map<Id, Held> held = new ConcurrentHashMap<>();
  private final AtomicBoolean looks = new AtomicBoolean();

  /**
   * A response.
   *
   * @param account that made it
   * @param hash of its id
   */
  record Id(String provider, String account, String hash) {}

  private static final class Held {
    final Pins pins;
    final BackgroundLease lease;
    volatile String word = "";
    volatile long untilNanos;

    Held(Pins pins, BackgroundLease lease, long untilNanos) {
      this.pins = pins;
      this.lease = lease;
      this.untilNanos = untilNanos;
    }
  }

  BackgroundResponses(Duration most) {
    this(most, CompletableFuture.delayedExecutor(LOOK_MS, TimeUnit.MILLISECONDS), System::nanoTime);
  }

  /**
   * @param most how long a lease is held after the last answer that showed its response running
   * @param later runs what it is given somewhat later
   */
  BackgroundResponses(Duration most, Executor later, LongSupplier nanoTime) {
    this.most = most;
    this.later = later;
    this.nanoTime = nanoTime;
  }

  /** An answer shows that the response runs. */
  static String running() {
    return "running " + System.currentTimeMillis();
  }

  /**
   * An answer shows that it is over.
   *
   * @param usage null if it is unknown
   */
  static String over(@Nullable TokenUsage usage) {
    return usage == null
        ? OVER
        : "%s %d %d %d %d"
            .formatted(
                OVER,
                usage.inputTokens(),
                usage.cacheCreationTokens(),
                usage.cacheReadTokens(),
                usage.outputTokens());
  }

  private static @Nullable TokenUsage usage(String over) {
    String[] told = over.split(" ", -1);
    return told.length == 5
        ? new TokenUsage(
            Long.parseLong(told[1]),
            Long.parseLong(told[2]),
            Long.parseLong(told[3]),
            Long.parseLong(told[4]))
        : null;
  }

  /**
   * Takes a lease.
   *
   * @return completes when other replicas can tell of it; null if no more are held
   */
  synchronized @Nullable CompletableFuture<?> hold(Id id, Pins pins, BackgroundLease lease) {
    Held one = new Held(pins, lease, nanoTime.getAsLong() + most.toNanos());
    if (held.size() >= MOST || held.putIfAbsent(id, one) != null) {
      return null;
    }
    lookLater();
    return tell(id, pins, "begun");
  }

  /**
   * Records what an answer showed of a response, also if another replica holds its lease.
   *
   * @return completes when the holder can know it, or Redis cannot be asked
   */
  CompletableFuture<?> saw(Id id, Pins pins, String word) {
    Held here = held.get(id);
    if (here != null) {
      hear(id, here, word);
    }
    return tell(id, pins, word); // also what was heard here: else Redis would forget the response
  }

  private CompletableFuture<?> tell(Id id, Pins pins, String word) {
    return pins.tell(id.hash(), word, id.account(), most.plusMinutes(1))
        .handle((done, failure) -> true);
  }

  private void hear(Id id, Held one, String word) {
    if (word.startsWith(OVER)) {
      end(id, one, usage(word));
    } else if (word.startsWith("running") && !word.equals(one.word)) {
      one.word = word;
      one.untilNanos = nanoTime.getAsLong() + most.toNanos();
    }
  }

  private void end(Id id, Held one, @Nullable TokenUsage usage) {
    if (held.remove(id, one)) {
      one.lease.end(usage);
    }
  }

  private void lookLater() {
    if (!held.isEmpty() && looks.compareAndSet(false, true)) {
      later.execute(this::look);
    }
  }

  private void look() {
    try {
      List<Map.Entry<Id, Held>> all = new ArrayList<>(held.entrySet());
      all.stream()
          .filter(one -> nanoTime.getAsLong() - one.getValue().untilNanos >= 0)
          .forEach(one -> end(one.getKey(), one.getValue(), null));
      all.stream()
          .filter(one -> held.containsKey(one.getKey()))
          .collect(Collectors.groupingBy(one -> one.getValue().pins))
          .forEach(this::ask);
    } finally {
      looks.set(false);
      lookLater();
    }
  }

  private void ask(Pins pins, List<Map.Entry<Id, Held>> all) {
    for (int from = 0; from < all.size(); from += BATCH) {
      List<Map.Entry<Id, Held>> some = all.subList(from, Math.min(all.size(), from + BATCH));
      List<String> before = some.stream().map(one -> one.getValue().word).toList();
      var _ =
          pins.told(some.stream().map(one -> one.getKey().hash()).toList())
              .thenAccept(
                  words -> {
                    for (int n = 0; n < some.size(); n++) {
                      Held one = some.get(n).getValue();
                      if (one.word.equals(before.get(n))) { // else the next look finds more
                        hear(some.get(n).getKey(), one, words.get(n));
                      }
                    }
                  });
    }
  }
}
