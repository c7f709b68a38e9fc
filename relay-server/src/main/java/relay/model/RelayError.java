package relay.model;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An error response of Relay itself.
 *
 * @param status the HTTP status
 * @param type the error type, the same in both dialects
 * @param message the problem and the remedy
 * @param retryAfter the delay before a retry; null if a retry is pointless or its time unknown
 */
public record RelayError(int status, String type, String message, @Nullable Duration retryAfter) {
  private static final String NO_LEASE = "lease_not_found";

  /** The code beside the type, for clients that look for one; null for none. */
  public @Nullable String code() {
    return switch (status) { // the field that OpenAI clients evaluate
      case 401 -> "invalid_api_key";
      case 404 -> type.equals(NO_LEASE) ? NO_LEASE : null;
      case 429 -> retryAfter == null ? "insufficient_quota" : "rate_limit_exceeded";
      default -> null;
    };
  }

  /** 400: the request itself is wrong. */
  public static RelayError invalid(String message) {
    return new RelayError(400, "invalid_request_error", message, null);
  }

  /** 401: a missing or wrong credential. */
  public static RelayError unauthenticated(String message) {
    return new RelayError(401, "authentication_error", message, null);
  }

  /** 403: the client may not do this at all. */
  public static RelayError forbidden(String message) {
    return new RelayError(403, "permission_error", message, null);
  }

  /** 404: no lease that the client could name has this id, or it has ended. */
  public static RelayError noLease(String message) {
    return new RelayError(404, NO_LEASE, message, null);
  }

  /** 404: an unknown path, or a model that the client may not use. */
  public static RelayError notFound(String message) {
    return new RelayError(404, "not_found_error", message, null);
  }

  /** 405: the path does not support the method. */
  public static RelayError wrongMethod(String message) {
    return new RelayError(405, "invalid_request_error", message, null);
  }

  /** 408: the client sent the request too slowly. */
  public static RelayError tooSlow(String message) {
    return new RelayError(408, "timeout_error", message, null);
  }

  /** 415: the body has an unsupported encoding or type. */
  public static RelayError unsupported(String message) {
    return new RelayError(415, "invalid_request_error", message, null);
  }

  /** 431: the target and the header lines exceed their maximum. */
  public static RelayError headTooLarge(String message) {
    return new RelayError(431, "invalid_request_error", message, null);
  }

  /** 413: the body exceeds the configured maximum. */
  public static RelayError tooLarge(long maxBytes) {
    return tooLarge(maxBytes, "server.max_body_bytes");
  }

  /** 413: the body of a passthrough request exceeds the configured maximum. */
  public static RelayError uploadTooLarge(long maxBytes) {
    return tooLarge(maxBytes, "server.max_upload_bytes");
  }

  private static RelayError tooLarge(long maxBytes, String setting) {
    return new RelayError(
        413,
        "request_too_large",
        "the request's body is larger than " + maxBytes + " bytes (" + setting + ")",
        null);
  }

  /** 426: the path speaks no WebSocket. */
  public static RelayError upgradeRefused(String message) {
    return new RelayError(426, "invalid_request_error", message, null);
  }

  /** 429: no capacity before {@code retryAfter}. */
  public static RelayError rateLimited(String message, Duration retryAfter) {
    return new RelayError(429, "rate_limit_error", message, retryAfter);
  }

  /** 402, or 429 if the dialect has no 402: a budget is spent, and a retry is pointless. */
  public static RelayError overBudget(Dialect dialect, String message) {
    return switch (dialect) {
      case ANTHROPIC -> new RelayError(402, "billing_error", message, null);
      case OPENAI -> new RelayError(429, "insufficient_quota", message, null);
    };
  }

  /** 502: no provider is reachable. */
  public static RelayError unreachable(String message) {
    return new RelayError(502, "api_error", message, null);
  }

  /** 503: Relay cannot serve the request now; the retry time is unknown. */
  public static RelayError unavailable(String message) {
    return new RelayError(503, "api_error", message, Duration.ofSeconds(1));
  }

  /** 503: nothing can serve the request before an operator or a probe changes that. */
  public static RelayError outOfUse(String message) {
    return new RelayError(503, "api_error", message, null);
  }

  /** 504: the provider sent nothing for the idle timeout. */
  public static RelayError timeout(String message) {
    return new RelayError(504, "timeout_error", message, null);
  }

  /** 529, or 503 if the dialect has no 529: this replica is overloaded. */
  public static RelayError overloaded(Dialect dialect, String message) {
    return overloaded(dialect, message, Duration.ofSeconds(1));
  }

  /** 529, or 503 if the dialect has no 529: overloaded until {@code retryAfter}. */
  public static RelayError overloaded(Dialect dialect, String message, Duration retryAfter) {
    int status =
        switch (dialect) {
          case ANTHROPIC -> 529;
          case OPENAI -> 503;
        };
    return new RelayError(status, "overloaded_error", message, retryAfter);
  }
}
