package relay.redis.report;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * The clients and models of a provider whose requests failed lately, with their parts of the
 * breaker's counts. Empty while nothing fails, so that a success costs one look. Thread-safe.
 */
public final class FailureSources {
  /** Failures of further sources count as the provider's. */
  private static final int MOST = 64;

  private static final int MOST_CHARS = 128;

  /** The time for which the breaker counts a failure. */
  private static final long KEPT_NANOS = 10_000_000_000L;

  private final Map<String, Counts> sources = new ConcurrentHashMap<>();
  private final LongSupplier nanoTime;

  private static final class Counts {
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicInteger successes = new AtomicInteger();
    private volatile long failedAt;
  }

  /** The part of a report that belongs to one source. */
  public record Part(String source, int failures, int successes) {}

  public FailureSources(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  public void failed(String source) {
    Counts counts = sources.get(source);
    if (counts == null) {
      if (sources.size() >= MOST || source.length() > MOST_CHARS) {
        return;
      }
      counts = sources.computeIfAbsent(source, _ -> new Counts());
    }
    counts.failedAt = nanoTime.getAsLong();
    counts.failures.getAndIncrement();
  }

  public boolean isEmpty() {
    return sources.isEmpty();
  }

  public void succeeded(String source) {
    Counts counts = sources.get(source);
    if (counts != null) {
      counts.successes.getAndIncrement();
    }
  }

  /** Takes what was counted since the last call. */
  public List<Part> take() {
    if (sources.isEmpty()) {
      return List.of();
    }
    List<Part> parts = new ArrayList<>();
    sources.forEach(
        (name, counts) -> {
          int failures = counts.failures.getAndSet(0);
          int successes = counts.successes.getAndSet(0);
          if (failures > 0 || successes > 0) {
            parts.add(new Part(name, failures, successes));
          }
        });
    return parts;
  }

  /** Puts back what could not be reported. */
  public void putBack(List<Part> parts) {
    for (Part part : parts) {
      Counts counts = sources.get(part.source());
      if (counts != null) {
        counts.failures.getAndAdd(part.failures());
        counts.successes.getAndAdd(part.successes());
      }
    }
  }

  /** Forgets sources without a failure that still counts. */
  public void forgetOld() {
    if (!sources.isEmpty()) {
      long now = nanoTime.getAsLong();
      sources.values().removeIf(counts -> now - counts.failedAt > KEPT_NANOS);
    }
  }

  public static void append(List<byte[]> args, List<Part> parts) {
    for (Part part : parts) {
      args.add(bytes(part.source()));
      args.add(bytes(part.failures()));
      args.add(bytes(part.successes()));
    }
  }
}
