package relay.model;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An error that Relay itself answers with.
 *
 * @param status the HTTP status
 * @param type the error's type, the same word in both dialects
 * @param message what is wrong and what to do
 * @param retryAfter when a retry makes sense; null where it makes none
 */
public record RelayError(int status, String type, String message, @Nullable Duration retryAfter) {

  /** 400: the request itself is wrong. */
  public static RelayError invalid(String message) {
    return new RelayError(400, "invalid_request_error", message, null);
  }

  /** 401: no or a wrong credential. */
  public static RelayError unauthenticated(String message) {
    return new RelayError(401, "authentication_error", message, null);
  }

  /** 404: no such path, or a model that the client cannot have. */
  public static RelayError notFound(String message) {
    return new RelayError(404, "not_found_error", message, null);
  }

  /** 405: the path exists for other methods. */
  public static RelayError wrongMethod(String message) {
    return new RelayError(405, "invalid_request_error", message, null);
  }

  /** 408: the request did not come in good time. */
  public static RelayError tooSlow(String message) {
    return new RelayError(408, "timeout_error", message, null);
  }

  /** 415: the body comes in a form that Relay does not read. */
  public static RelayError unsupported(String message) {
    return new RelayError(415, "invalid_request_error", message, null);
  }

  /** 413: the body is longer than configured. */
  public static RelayError tooLarge(long maxBytes) {
    return new RelayError(
        413,
        "request_too_large",
        "the request's body is larger than " + maxBytes + " bytes (server.max_body_bytes)",
        null);
  }

  /** 429: no capacity until then. */
  public static RelayError rateLimited(String message, Duration retryAfter) {
    return new RelayError(429, "rate_limit_error", message, retryAfter);
  }

  /** 502: no provider could be reached. */
  public static RelayError unreachable(String message) {
    return new RelayError(502, "api_error", message, null);
  }

  /** 503: Relay cannot serve the request now, and when is not known. */
  public static RelayError unavailable(String message) {
    return new RelayError(503, "api_error", message, Duration.ofSeconds(1));
  }

  /** 504: the provider kept silent. */
  public static RelayError timeout(String message) {
    return new RelayError(504, "timeout_error", message, null);
  }

  /** 529, or 503 where the dialect has no such status: this replica has too much to do. */
  public static RelayError overloaded(Dialect dialect, String message) {
    return overloaded(dialect, message, Duration.ofSeconds(1));
  }

  /** Likewise: whoever would have to do it has too much to do until then. */
  public static RelayError overloaded(Dialect dialect, String message, Duration retryAfter) {
    int status =
        switch (dialect) {
          case ANTHROPIC -> 529;
          case OPENAI -> 503;
        };
    return new RelayError(status, "overloaded_error", message, retryAfter);
  }
}
