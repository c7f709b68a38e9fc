package relay.trial.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import relay.trial.load.PlainConnection.Answer;

/** Counts the answers that the load gets. */
public final class LoadTally {

  /**
   * Counts so far.
   *
   * @param sent requests begun, retries included
   * @param granted 200, and complete: a stream with its last event
   * @param grantedByReplica the same, split
   * @param relay429 Relay's own 429s
   * @param exact429 those with a well-formed {@code retry-after-ms} and {@code retry-after}
   * @param upstream429 429s of the provider
   * @param errors anything else: other statuses, broken streams, I/O errors
   * @param retried 429s of the sample, retried at the time that they gave
   * @param retriedGranted the granted ones of {@code retried}; the others lost to the rest of the
   *     load
   * @param skipped arrivals dropped because too many were in flight
   * @param lateMs the longest delay of an arrival after {@code atFirst}: this machine was busy
   * @param firstError the first error; empty = none
   */
  public record Counts(
      long sent,
      long granted,
      List<Long> grantedByReplica,
      long relay429,
      long exact429,
      long upstream429,
      long errors,
      long retried,
      long retriedGranted,
      long skipped,
      long lateMs,
      String firstError) {}

  /** More than a run of some minutes has. */
  private static final int MOST_TOLD = 100_000;

  private final AtomicLong sent = new AtomicLong();
  private final List<AtomicLong> granted;
  private final AtomicLong relay429 = new AtomicLong();
  private final AtomicLong exact429 = new AtomicLong();
  private final AtomicLong upstream429 = new AtomicLong();
  private final AtomicLong errors = new AtomicLong();
  private final AtomicLong retried = new AtomicLong();
  private final AtomicLong retriedGranted = new AtomicLong();
  private final AtomicLong skipped = new AtomicLong();
  private final AtomicLong lateMs = new AtomicLong();
  private final AtomicReference<String> firstError = new AtomicReference<>("");
  private final List<Long> toldMs = new ArrayList<>();

  LoadTally(int replicas) {
    granted = Stream.generate(AtomicLong::new).limit(replicas).toList();
  }

  void sending() {
    sent.incrementAndGet();
  }

  void skipped() {
    skipped.incrementAndGet();
  }

  void late(long millis) {
    lateMs.accumulateAndGet(millis, Math::max);
  }

  void answered(int replica, Answer answer) {
    if (answer.status() == 200) {
      boolean stream = answer.header("content-type").startsWith("text/event-stream");
      if (stream && !isWhole(answer.bodyEnd())) {
        failed("a stream ended without its last event");
      } else {
        granted.get(replica).incrementAndGet();
      }
    } else if (answer.status() == 429) {
      refused(answer);
    } else {
      failed("status " + answer.status() + ": " + answer.bodyEnd().lines().findFirst().orElse(""));
    }
  }

  private static boolean isWhole(String streamEnd) {
    return streamEnd.contains("\"message_stop\"") || streamEnd.contains("data: [DONE]");
  }

  private void refused(Answer answer) {
    RetryAfter retryAfter = RetryAfter.of(answer);
    if (answer.header("x-relay-error-origin").equals("upstream")) {
      upstream429.incrementAndGet();
    } else {
      relay429.incrementAndGet();
      if (retryAfter.wellFormed()) {
        exact429.incrementAndGet();
      }
    }
    if (retryAfter.ms() >= 0) {
      synchronized (toldMs) {
        if (toldMs.size() < MOST_TOLD) {
          toldMs.add(retryAfter.ms());
        }
      }
    }
  }

  /** The times that 429s told, in milliseconds. */
  List<Long> toldMs() {
    synchronized (toldMs) {
      return List.copyOf(toldMs);
    }
  }

  void retried(boolean wasGranted) {
    retried.incrementAndGet();
    if (wasGranted) {
      retriedGranted.incrementAndGet();
    }
  }

  void failed(String what) {
    errors.incrementAndGet();
    firstError.compareAndSet("", what);
  }

  Counts counts() {
    List<Long> byReplica = granted.stream().map(AtomicLong::get).toList();
    return new Counts(
        sent.get(),
        byReplica.stream().mapToLong(Long::longValue).sum(),
        byReplica,
        relay429.get(),
        exact429.get(),
        upstream429.get(),
        errors.get(),
        retried.get(),
        retriedGranted.get(),
        skipped.get(),
        lateMs.get(),
        firstError.get());
  }
}
