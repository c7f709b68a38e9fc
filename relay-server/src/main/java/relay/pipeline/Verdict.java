package relay.pipeline;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Overloaded;
import relay.redis.Acquisition.Unavailable;

/**
 * What a client is told when nobody carried its request, by all that came of it at all providers: a
 * provider's own error if there was one, else that no provider could be reached, else the earliest
 * time at which any of them could serve.
 */
final class Verdict {
  private static final Duration AT_ONCE = Duration.ofMillis(1);

  private Failure.@Nullable ProviderFailed providerFailed;
  private Failure.@Nullable Unreachable unreachable;
  private @Nullable Exhausted soonest;
  private @Nullable Duration uncountedLimit; // a limit of the provider's that is not the pool's
  private @Nullable Duration breakerOpens; // the first breaker
  private @Nullable Impossible largestImpossible;
  private boolean freeKey;
  private boolean keysUnusable;
  private boolean overloaded;
  private boolean redisUnavailable;

  /** What the client gets. */
  sealed interface Outcome {

    /** What a provider said. */
    record OfProvider(Failure.ProviderFailed answer) implements Outcome {}

    /** What Relay says. */
    record OfRelay(RelayError error) implements Outcome {}
  }

  /** An attempt came to nothing. */
  void attemptFailed(Failure failure) {
    switch (failure) {
      case Failure.ProviderFailed f -> providerFailed = f;
      case Failure.Unreachable f -> unreachable = f;
      case Failure.KeyRefused _ -> keysUnusable = true;
      case Failure.RateLimited _ -> {} // the pool knows until when
      case Failure.UncountedLimit(var retryAfter) -> uncountedLimit = earlier(uncountedLimit, retryAfter);
    }
  }

  /** A pool gave no key. */
  void poolRefused(Acquisition acquisition) {
    switch (acquisition) {
      case Granted _ -> throw new IllegalArgumentException("a grant is no refusal");
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

  /** No more attempts may be made, though a key is free. */
  void keyIsFree() {
    freeKey = true;
  }

  /** A provider's breaker lets no request pass. */
  void breakerOpen(Duration retryAfter) {
    breakerOpens = earlier(breakerOpens, retryAfter);
  }

  private static Duration earlier(@Nullable Duration before, Duration now) {
    return before == null || now.compareTo(before) < 0 ? now : before;
  }

  Outcome outcome(Dialect dialect) {
    return providerFailed != null ? new Outcome.OfProvider(providerFailed) : new Outcome.OfRelay(relayError(dialect));
  }

  private RelayError relayError(Dialect dialect) {
    if (unreachable != null) {
      return RelayError.unreachable(unreachable.why());
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
