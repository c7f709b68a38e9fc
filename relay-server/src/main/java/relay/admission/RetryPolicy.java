package relay.admission;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Whether to retry a failed request at the same provider, and after which pause. */
final class RetryPolicy {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private final int maxAttempts;
  private final RandomGenerator random;

  RetryPolicy(int maxAttempts, RandomGenerator random) {
    this.maxAttempts = maxAttempts;
    this.random = random;
  }

  /** What to do after a failure. */
  sealed interface Decision {

    /** Retry at this provider, on another key if there is one. */
    record Again(Duration pause) implements Decision {}

    /** Do not retry at this provider. */
    record Enough() implements Decision {}

    /** Do not retry at all: the client's timeout is over. */
    record TooLate() implements Decision {}
  }

  /**
   * Decides.
   *
   * @param attempts at this provider so far, this one included
   * @param left until the request's deadline
   */
  Decision after(Failure failure, int attempts, Duration left) {
    if (!left.isPositive()) {
      return new Decision.TooLate();
    }
    if (attempts >= maxAttempts || isFinal(failure)) {
      return new Decision.Enough();
    }
    Duration pause =
        switch (failure) {
          // another key has another limit: retry at once
          case Failure.RateLimited _,
              Failure.UncountedLimit _,
              Failure.KeyRefused _,
              Failure.Stopped _ ->
              Duration.ZERO;
          // the first may be due to one connection, a second one is likely the provider's
          case Failure.Unreachable _ -> attempts == 1 ? Duration.ZERO : backOff(attempts - 1);
          case Failure.ProviderFailed f ->
              f.overloaded()
                  ? backOff(attempts)
                  : attempts == 1 ? Duration.ZERO : backOff(attempts - 1);
        };
    return pause.compareTo(left) < 0 ? new Decision.Again(pause) : new Decision.Enough();
  }

  /** Without resources, a retry would only take up more; and a bad certificate stays bad. */
  private static boolean isFinal(Failure failure) {
    return failure instanceof Failure.Unreachable f && (f.local() || f.lasting());
  }

  /** Doubles with each attempt. Jitter in the upper half keeps replicas apart. */
  private Duration backOff(int n) {
    long bound = Math.min(LONGEST_PAUSE.toNanos(), FIRST_PAUSE.toNanos() << Math.min(n - 1, 10));
    return Duration.ofNanos(random.nextLong(bound / 2, bound + 1));
  }
}
