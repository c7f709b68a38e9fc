package relay.pipeline;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Whether a request that failed is tried again at the same provider, and after which pause. */
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

    /** Once more at this provider, on another key if there is one. */
    record Again(Duration pause) implements Decision {}

    /** Not here. */
    record Enough() implements Decision {}

    /** Nowhere: whoever asked does not wait any longer. */
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
    if (attempts >= maxAttempts) {
      return new Decision.Enough();
    }
    Duration pause =
        switch (failure) {
          // another key is another limit, and another chance: at once
          case Failure.RateLimited _, Failure.UncountedLimit _, Failure.KeyRefused _ -> Duration.ZERO;
          // the first of these may be that one connection's; a second is likely to be the provider
          case Failure.Unreachable _ -> attempts == 1 ? Duration.ZERO : backOff(attempts - 1);
          case Failure.ProviderFailed f ->
              f.overloaded()
                  ? backOff(attempts)
                  : attempts == 1 ? Duration.ZERO : backOff(attempts - 1);
        };
    return pause.compareTo(left) < 0 ? new Decision.Again(pause) : new Decision.Enough();
  }

  /** Doubled with each, and somewhere in its upper half, so that replicas do not come together. */
  private Duration backOff(int n) {
    long bound = Math.min(LONGEST_PAUSE.toNanos(), FIRST_PAUSE.toNanos() << Math.min(n - 1, 10));
    return Duration.ofNanos(random.nextLong(bound / 2, bound + 1));
  }
}
