package relay.token;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import relay.config.Secret;

/**
 * The token of one key. While it lives all requests take it as it is; a new one is fetched some
 * minutes before it ends, beside the requests. Only where there is none do they wait, all for the
 * same fetch and for a bounded time. What a failed fetch said holds for a second, so that a busy
 * key does not besiege a token endpoint that is in trouble.
 */
public final class TokenCache {
  /** How long a request waits for a token at most. */
  public static final Duration LONGEST_FETCH = Duration.ofSeconds(10);

  private static final Duration AHEAD = Duration.ofMinutes(5);
  private static final Duration SPARE = Duration.ofSeconds(30);
  private static final Duration FAILURE_HOLDS = Duration.ofSeconds(1);

  /** Gets a token; it may block, in a thread that nobody else waits for. */
  @FunctionalInterface
  public interface Fetch {
    AccessToken fetch() throws IOException, TokenRefusedException;
  }

  /**
   * @param refreshAt from when on a new one is fetched
   * @param usableUntil when it is too late to send it
   */
  private record Held(AccessToken token, Instant refreshAt, Instant usableUntil) {

    /** A token of a short life is renewed in its last half, and used for nine tenths of it. */
    static Held of(AccessToken token, Instant now) {
      Duration life = Duration.between(now, token.expiresAt());
      return new Held(
          token,
          token.expiresAt().minus(least(AHEAD, life.dividedBy(2))),
          token.expiresAt().minus(least(SPARE, life.dividedBy(10))));
    }

    private static Duration least(Duration a, Duration b) {
      return a.compareTo(b) < 0 ? a : b;
    }
  }

  private final Fetch fetch;
  private final InstantSource clock;
  private final Executor threads;
  private final Duration longestFetch;

  private @Nullable Held held;
  private @Nullable CompletableFuture<AccessToken> running;
  private @Nullable CompletableFuture<AccessToken> failed;
  private Instant failureEnds = Instant.MIN;

  /**
   * @param threads run a fetch each
   */
  public TokenCache(Fetch fetch, InstantSource clock, Executor threads) {
    this(fetch, clock, threads, LONGEST_FETCH);
  }

  TokenCache(Fetch fetch, InstantSource clock, Executor threads, Duration longestFetch) {
    this.fetch = fetch;
    this.clock = clock;
    this.threads = threads;
    this.longestFetch = longestFetch;
  }

  /**
   * A token that can be sent now. Blocks where there is none.
   *
   * @throws TokenRefusedException if the endpoint refuses the credential
   * @throws IOException if it cannot be reached, fails, or is too slow
   */
  public Secret token() throws IOException, TokenRefusedException {
    CompletableFuture<AccessToken> awaited;
    synchronized (this) {
      Instant now = clock.instant();
      Held present = held;
      boolean usable = present != null && now.isBefore(present.usableUntil());
      boolean due = present == null || !now.isBefore(present.refreshAt());
      awaited = due ? fetching(now) : null;
      if (usable && present != null) {
        return present.token().value();
      }
    }
    return await(awaited);
  }

  /**
   * Drops a token that the provider refused, unless another one is in use by now. Of many requests
   * that saw it refused one is the first, and each of them may have what is fetched thereupon.
   */
  public synchronized void forget(Secret token) {
    if (held != null && held.token().value().equals(token)) {
      held = null;
    }
  }

  /** The fetch under way, a new one, or the one that has just failed. Under the lock. */
  private CompletableFuture<AccessToken> fetching(Instant now) {
    if (running != null) {
      return running;
    }
    if (failed != null && now.isBefore(failureEnds)) {
      return failed;
    }
    CompletableFuture<AccessToken> next = new CompletableFuture<>();
    next.orTimeout(longestFetch.toMillis(), TimeUnit.MILLISECONDS);
    // Whoever waits gets the token when it is held: else it could be forgotten before it was
    CompletableFuture<AccessToken> noted =
        next.whenComplete((token, failure) -> ended(next, token));
    running = noted;
    failed = null;
    threads.execute(
        () -> {
          try {
            next.complete(fetch.fetch());
          } catch (IOException | TokenRefusedException | RuntimeException e) {
            next.completeExceptionally(e);
          }
        });
    return noted;
  }

  private synchronized void ended(
      CompletableFuture<AccessToken> fetched, @Nullable AccessToken token) {
    Instant now = clock.instant();
    running = null;
    if (token != null) {
      held = Held.of(token, now);
    } else {
      failed = fetched;
      failureEnds = now.plus(FAILURE_HOLDS);
    }
  }

  private static Secret await(@Nullable CompletableFuture<AccessToken> fetch)
      throws IOException, TokenRefusedException {
    try {
      if (fetch == null) {
        throw new IOException("no token");
      }
      return fetch.get().value(); // ends by its own timeout
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for a token", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TokenRefusedException refused) {
        throw refused;
      }
      // The cause's words may come from the endpoint; its kind says enough.
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new IOException("no token: " + cause.getClass().getSimpleName(), cause);
    }
  }
}
