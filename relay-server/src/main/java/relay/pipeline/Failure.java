package relay.pipeline;

import java.time.Duration;
import relay.model.HeaderLines;

/** Why an attempt failed. */
sealed interface Failure {

  /** Whether the provider may have processed the request. */
  default boolean mayHaveBeenProcessed() {
    return false;
  }

  /** The provider reported a limit. The pool knows the retry time. */
  record RateLimited() implements Failure {}

  /** The provider reported a limit on requests that are not counted. The pool does not know it. */
  record UncountedLimit(Duration retryAfter) implements Failure {}

  /** The provider refused the key. Its message may contain the key, so it is not relayed. */
  record KeyRefused() implements Failure {}

  /** The provider answered with an error. */
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

    /** Whether the provider is overloaded: an immediate retry on another key would fail, too. */
    boolean overloaded() {
      return status == 529 || status == 503;
    }
  }

  /**
   * No connection, or it broke before the first byte of the answer.
   *
   * @param sent whether the provider may have seen a part of the request
   * @param local whether this replica lacks resources for a connection: not the provider's fault
   * @param lasting whether another attempt would fail in the same way
   */
  record Unreachable(boolean sent, boolean local, boolean lasting, String why) implements Failure {
    @Override
    public boolean mayHaveBeenProcessed() {
      return sent;
    }
  }
}
