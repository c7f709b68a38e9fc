package relay.admission;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Relay's own request with a key that a provider refused for a client's request: whether it is the
 * key that is refused. A key is asked at once, then after 10 s, and ever more seldom while it is
 * accepted. Thread-safe.
 */
public final class OwnProbes {
  private static final Duration FIRST = Duration.ofSeconds(10);
  private static final Duration LONGEST = Duration.ofMinutes(5);

  private final Predicate<String> refuses;
  private final Executor threads;
  private final LongSupplier nanoTime;
  private final Map<String, Probe> probes = new ConcurrentHashMap<>(); // of configured keys

  private record Probe(
      CompletableFuture<Boolean> refused, long againNanos, Duration pause, Object credential) {}

  /**
   * @param refuses asks a provider by this key, and blocks until it answered
   * @param threads for calls that block
   */
  public OwnProbes(Predicate<String> refuses, Executor threads, LongSupplier nanoTime) {
    this.refuses = refuses;
    this.threads = threads;
    this.nanoTime = nanoTime;
  }

  /**
   * Whether the provider refuses the key, as the last probe showed or one shows now.
   *
   * @param credential another than before is asked at once
   */
  @SuppressWarnings("UndefinedEquals") // a future equals itself only
  CompletableFuture<Boolean> refused(String key, Object credential) {
    CompletableFuture<Boolean> fresh = new CompletableFuture<>();
    Probe probe =
        probes.compute(
            key,
            (_, last) -> {
              long now = nanoTime.getAsLong();
              boolean known = last != null && last.credential().equals(credential);
              if (known && (!last.refused().isDone() || now - last.againNanos() < 0)) {
                return last;
              }
              Duration pause = known ? longer(last.pause()) : FIRST;
              return new Probe(fresh, now + pause.toNanos(), pause, credential);
            });
    if (probe.refused().equals(fresh)) {
      begin(key, fresh);
    }
    return probe.refused();
  }

  private static Duration longer(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
  }

  private void begin(String key, CompletableFuture<Boolean> answer) {
    try {
      threads.execute(
          () -> {
            boolean refused = false;
            try {
              refused = refuses.test(key);
            } finally {
              answer.complete(refused);
            }
          });
    } catch (RejectedExecutionException e) {
      answer.complete(false); // the replica is stopping
    }
  }
}
