package relay.pipeline;

import java.time.Duration;
import relay.model.HeaderLines;
import relay.redis.Lease;
import relay.upstream.ProviderApi;

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

  /**
   * An account refused the request by a 403, or because of money: its own state, or the request's
   * fault.
   *
   * @param kind which of the two ways
   * @param sentBy with which credentials it was sent
   * @param reason for which the key, or its account, goes out of use if it is its state
   * @param answer what the client gets if it is the request's fault
   */
  record Stopped(Kind kind, String reason, Lease lease, ProviderApi sentBy, ProviderFailed answer)
      implements Failure {
    /** What may be refused. */
    enum Kind {
      KEY,
      MONEY
    }

    String account() {
      return accountOf(lease);
    }

    /** Its kind of event. */
    String what() {
      return kind == Kind.KEY ? "key " + lease.key() : "money";
    }

    /** Whether another account refused the request in the same way. */
    boolean isLike(Stopped other) {
      return kind == other.kind && answer.status() == other.answer.status();
    }
  }

  /** The account whose quota group a lease is of. */
  static String accountOf(Lease lease) {
    return lease.group().substring(0, lease.group().lastIndexOf('/'));
  }

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
