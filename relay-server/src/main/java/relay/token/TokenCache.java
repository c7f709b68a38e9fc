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
 * Caches one key's access token. A new token is fetched in the background some minutes before the
 * old one expires. Requests wait only if there is no valid token: all for the same fetch, for a
 * bounded time. A failed fetch is remembered for a second, so that a busy key does not flood a
 * failing token endpoint.
 */
public final class TokenCache {
  /** The longest wait of a request for a token. */
  public static final Duration LONGEST_FETCH = Duration.ofSeconds(10);

  private static final Duration AHEAD = Duration.ofMinutes(5);
  private static final Duration SPARE = Duration.ofSeconds(30);
  private static final Duration FAILURE_HOLDS = Duration.ofSeconds(1);

  /** Fetches a token. May block: it runs on its own thread. */
  @FunctionalInterface
  public interface Fetch {
    AccessToken fetch() throws IOException, TokenRefusedException;
  }

  /**
   * @param refreshAt when to fetch the next token
   * @param usableUntil when to stop sending this token
   */
  private record Held(AccessToken token, Instant refreshAt, Instant usableUntil) {

    /** A short-lived token is refreshed after half its lifetime and used for nine tenths of it. */
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
   * @param threads run the fetches
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
   * Returns a valid token. Blocks if there is none.
   *
   * @throws TokenRefusedException if the endpoint refuses the credential
   * @throws IOException if the endpoint is unreachable, fails, or is too slow
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
   * Drops a token that the provider rejected, unless it was already replaced. If many requests
   * report the same token, only the first call has an effect, and all of them share the next fetch.
   */
  public synchronized void forget(Secret token) {
    if (held != null && held.token().value().equals(token)) {
      held = null;
    }
  }

  /** The running fetch, the one that just failed, or a new one. Call under the lock. */
  private CompletableFuture<AccessToken> fetching(Instant now) {
    if (running != null) {
      return running;
    }
    if (failed != null && now.isBefore(failureEnds)) {
      return failed;
    }
    CompletableFuture<AccessToken> next = new CompletableFuture<>();
    next.orTimeout(longestFetch.toMillis(), TimeUnit.MILLISECONDS);
    // Complete waiters only after the token is stored: otherwise forget() could run before that.
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
      return fetch.get().value(); // Fetch has its own timeout
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for a token", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TokenRefusedException refused) {
        throw refused;
      }
      // Show only the cause's class: its message may quote the endpoint.
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new IOException("no token: " + cause.getClass().getSimpleName(), cause);
    }
  }
}
