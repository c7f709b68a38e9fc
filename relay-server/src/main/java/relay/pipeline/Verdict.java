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
import relay.redis.Acquisition.Unavailable;

/**
 * What a client is told when nobody carried its request, by all that came of it at all providers: a
 * provider's own error if there was one, else that no provider could be reached, else the earliest
 * time at which any of them could serve.
 */
final class Verdict {
  private static final Duration AT_ONCE = Duration.ofMillis(1);

  private Failure.@Nullable ProviderFailed failed;
  private Failure.@Nullable Unreachable unreachable;
  private @Nullable Exhausted soonest;
  private @Nullable Duration limitedApart; // a limit of the provider's that is not the pool's
  private @Nullable Duration opens; // the first breaker
  private @Nullable Impossible largest;
  private boolean hasFreeKey;
  private boolean outOfUse;
  private boolean unavailable;

  /** What the client gets. */
  sealed interface Outcome {

    /** What a provider said. */
    record Passed(Failure.ProviderFailed answer) implements Outcome {}

    /** What Relay says. */
    record Own(RelayError error) implements Outcome {}
  }

  /** An attempt came to nothing. */
  void failed(Failure failure) {
    switch (failure) {
      case Failure.ProviderFailed f -> failed = f;
      case Failure.Unreachable f -> unreachable = f;
      case Failure.KeyRefused _ -> outOfUse = true;
      case Failure.RateLimited _ -> {} // the pool knows until when
      case Failure.LimitedApart(var retryAfter) -> limitedApart = sooner(limitedApart, retryAfter);
    }
  }

  /** A pool gave no key. */
  void refused(Acquisition acquisition) {
    switch (acquisition) {
      case Granted _ -> throw new IllegalArgumentException("a grant is no refusal");
      case Exhausted e -> {
        if (soonest == null || e.retryAfter().compareTo(soonest.retryAfter()) < 0) {
          soonest = e;
        }
      }
      case Impossible i -> {
        if (largest == null || i.limit() > largest.limit()) {
          largest = i;
        }
      }
      case NoneUsable _ -> outOfUse = true;
      case Unavailable _ -> unavailable = true;
    }
  }

  /** No more attempts may be made, though a key is free. */
  void hasFreeKey() {
    hasFreeKey = true;
  }

  /** A provider's breaker lets no request pass. */
  void barred(Duration retryAfter) {
    opens = sooner(opens, retryAfter);
  }

  private static Duration sooner(@Nullable Duration before, Duration now) {
    return before == null || now.compareTo(before) < 0 ? now : before;
  }

  Outcome outcome(Dialect dialect) {
    return failed != null ? new Outcome.Passed(failed) : new Outcome.Own(own(dialect));
  }

  private RelayError own(Dialect dialect) {
    if (unreachable != null) {
      return RelayError.unreachable(unreachable.why());
    }
    if (hasFreeKey) {
      return RelayError.rateLimited(
          "the provider refused as many keys as may be tried for one request"
              + " (providers[].max_attempts); others are free",
          AT_ONCE);
    }
    if (limitedApart != null) {
      return RelayError.rateLimited(
          "the provider limits such requests by themselves: retry after the time given",
          limitedApart);
    }
    if (soonest != null) {
      RelayError error = RefusalErrors.of(soonest);
      return opens != null && opens.compareTo(soonest.retryAfter()) < 0
          ? RelayError.rateLimited(error.message(), opens)
          : error;
    }
    if (opens != null) {
      return RelayError.overloaded(
          dialect,
          "the provider fails too often to be asked now: retry after the time given",
          opens);
    }
    if (unavailable) {
      return RefusalErrors.of(new Unavailable());
    }
    return largest == null || outOfUse
        ? RefusalErrors.of(new NoneUsable())
        : RefusalErrors.of(largest);
  }
}
