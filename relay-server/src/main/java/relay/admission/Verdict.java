package relay.admission;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.admission.LeaseSearch.Outcome;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Acquisition.Unavailable;

/**
 * The answer when no provider has served the request, from all results: a provider's own error if
 * there was one, else that no provider could be reached, else the earliest retry time of all.
 */
final class Verdict {
  private static final Duration AT_ONCE = Duration.ofMillis(1);

  private Failure.@Nullable ProviderFailed providerFailed;
  private Failure.@Nullable Stopped stopped; // the last one
  private boolean ofRequest;
  private Failure.@Nullable Unreachable unreachable;
  private @Nullable Exhausted soonest;
  private @Nullable Duration
      uncountedLimit; // the earliest retry time of limits unknown to the pools
  private @Nullable Duration breakerOpens; // the earliest time of all open breakers
  private @Nullable Impossible largestImpossible;
  private boolean freeKey;
  private boolean keysUnusable;
  private boolean overloaded;
  private boolean redisUnavailable;

  /** An attempt failed. */
  void attemptFailed(Failure failure) {
    switch (failure) {
      case Failure.ProviderFailed f -> providerFailed = f;
      case Failure.Unreachable f -> unreachable = f;
      case Failure.KeyRefused _ -> keysUnusable = true;
      case Failure.Stopped f -> stopped = f;
      case Failure.RateLimited _ -> {} // the pool knows the retry time
      case Failure.UncountedLimit(var retryAfter) ->
          uncountedLimit = earlier(uncountedLimit, retryAfter);
    }
  }

  /** Two accounts refused the request in the same way: no state of theirs. */
  void isOfRequest() {
    ofRequest = true;
  }

  /** An account that refused the request is out of use now. */
  void isOfAccount() {
    if (!ofRequest) {
      stopped = null;
      keysUnusable = true;
    }
  }

  /** A pool granted no key. */
  void poolRefused(Acquisition acquisition) {
    switch (acquisition) {
      case Granted _ -> throw new IllegalArgumentException("a grant is no refusal");
      case OverBudget _ -> throw new IllegalArgumentException("no provider's key has a budget");
      case Exhausted e -> {
        if (soonest == null || e.retryAfter().compareTo(soonest.retryAfter()) < 0) {
          soonest = e;
        }
      }
      case Impossible i -> {
        if (largestImpossible == null || i.limit() > largestImpossible.limit()) {
          largestImpossible = i;
        }
      }
      case NoneUsable _ -> keysUnusable = true;
      case Overloaded _ -> overloaded = true;
      case Unavailable _ -> redisUnavailable = true;
    }
  }

  /** A key is free, but no further attempt is allowed. */
  void keyIsFree() {
    freeKey = true;
  }

  /** A provider's breaker is open. */
  void breakerOpen(Duration retryAfter) {
    breakerOpens = earlier(breakerOpens, retryAfter);
  }

  static Duration earlier(@Nullable Duration before, Duration now) {
    return before == null || now.compareTo(before) < 0 ? now : before;
  }

  Outcome outcome(Dialect dialect) {
    if (stopped != null && (ofRequest || isAllThatIsKnown())) {
      return new Outcome.Failed(stopped.answer());
    }
    return providerFailed != null
        ? new Outcome.Failed(providerFailed)
        : new Outcome.NoCapacity(relayError(dialect));
  }

  /** Whether nothing but an account's refusal tells the client what to do. */
  private boolean isAllThatIsKnown() {
    return providerFailed == null
        && unreachable == null
        && !freeKey
        && uncountedLimit == null
        && soonest == null
        && breakerOpens == null
        && !overloaded
        && !redisUnavailable;
  }

  private RelayError relayError(Dialect dialect) {
    if (unreachable != null) {
      return unreachable.local()
          ? RelayError.overloaded(dialect, unreachable.why())
          : RelayError.unreachable(unreachable.why());
    }
    if (freeKey) {
      return RelayError.rateLimited(
          "the provider refused as many keys as may be tried for one request"
              + " (providers[].max_attempts); others are free",
          AT_ONCE);
    }
    if (uncountedLimit != null) {
      return RelayError.rateLimited(
          "the provider limits such requests by themselves: retry after the time given",
          uncountedLimit);
    }
    if (soonest != null) {
      RelayError error = RefusalErrors.of(soonest, dialect);
      return breakerOpens != null && breakerOpens.compareTo(soonest.retryAfter()) < 0
          ? RelayError.rateLimited(error.message(), breakerOpens)
          : error;
    }
    if (breakerOpens != null) {
      return RelayError.overloaded(
          dialect,
          "the provider fails too often to be asked now: retry after the time given",
          breakerOpens);
    }
    if (overloaded) {
      return RefusalErrors.of(new Overloaded(), dialect);
    }
    if (redisUnavailable) {
      return RefusalErrors.of(new Unavailable(), dialect);
    }
    return largestImpossible == null || keysUnusable
        ? RefusalErrors.of(new NoneUsable(), dialect)
        : RefusalErrors.of(largestImpossible, dialect);
  }
}
