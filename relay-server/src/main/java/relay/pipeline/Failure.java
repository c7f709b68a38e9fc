package relay.pipeline;

import java.time.Duration;
import relay.model.HeaderLines;

/** Why an attempt came to nothing, and what the client would be told if it was the last one. */
sealed interface Failure {

  /** Whether the provider may have done what it was asked to. */
  default boolean mayHaveBeenProcessed() {
    return false;
  }

  /** The provider said that a limit is reached; the pool knows until when. */
  record RateLimited() implements Failure {}

  /** The provider limits what is not counted here; of that the pool knows nothing. */
  record UncountedLimit(Duration retryAfter) implements Failure {}

  /** The provider refuses the key itself; its words may name it, so they are not passed on. */
  record KeyRefused() implements Failure {}

  /** The provider failed, and this is what it said. */
  final class ProviderFailed implements Failure {
    private final int status;
    private final HeaderLines headers;
    private final byte[] body;

    ProviderFailed(int status, HeaderLines headers, byte[] body) {
      this.status = status;
      this.headers = headers;
      this.body = body;
    }

    int status() {
      return status;
    }

    HeaderLines headers() {
      return headers;
    }

    byte[] body() {
      return body;
    }

    @Override
    public boolean mayHaveBeenProcessed() {
      return !overloaded();
    }

    /** Whether the whole provider has too much to do, so that other keys fare no better at once. */
    boolean overloaded() {
      return status == 529 || status == 503;
    }
  }

  /**
   * No connection, or it broke before the first byte.
   *
   * @param sent whether the provider may have seen a part of the request
   */
  record Unreachable(boolean sent, String why) implements Failure {
    @Override
    public boolean mayHaveBeenProcessed() {
      return sent;
    }
  }
}
