package relay.admission;

import java.time.Duration;
import relay.redis.model.Lease;
import relay.upstream.KnownReply;
import relay.upstream.ProviderApi;
import relay.upstream.ProviderReply;

/** Why an attempt failed. */
public sealed interface Failure {

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
    static Stopped of(
        Kind kind,
        String reason,
        RequestPlan plan,
        Lease lease,
        ProviderApi sentBy,
        ProviderReply reply,
        String text) {
      KnownReply shown = RefusedText.toClient(plan.route().api(), lease.key(), reply, text);
      return new Stopped(
          kind, reason, lease, sentBy, new ProviderFailed(shown, plan.route().name(), lease.key()));
    }

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

  /**
   * The provider answered with an error.
   *
   * @param provider whose error it is
   * @param key with which the request was sent
   */
  record ProviderFailed(KnownReply reply, String provider, String key) implements Failure {

    static ProviderFailed of(ProviderReply reply, int bytes, String provider, String key) {
      return new ProviderFailed(KnownReply.of(reply, bytes), provider, key);
    }

    public int status() {
      return reply.status();
    }

    @Override
    public boolean mayHaveBeenProcessed() {
      return !overloaded();
    }

    /** Whether the provider is overloaded: an immediate retry on another key would fail, too. */
    boolean overloaded() {
      return status() == 529 || status() == 503;
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
