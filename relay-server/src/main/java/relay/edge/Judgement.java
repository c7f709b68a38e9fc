package relay.edge;

import io.undertow.server.HttpServerExchange;
import org.jspecify.annotations.Nullable;

/**
 * Whether a request's sender has shown a credential. Its connection is not closed for want of
 * memory until that is known: until {@link #trust}, or until the answer begins.
 */
final class Judgement {
  private final HttpServerExchange exchange;
  private UnfinishedHeads.@Nullable Head account; // until it is known; null over HTTP/2

  /** Begins. On the I/O thread of a complete head. */
  Judgement(HttpServerExchange exchange) {
    this.exchange = exchange;
    account = FramingGuard.account(exchange);
    if (account != null) {
      account.judging();
    }
  }

  /** The client has shown a credential. */
  void trust() {
    if (account == null) {
      SharedChannel.trust(exchange);
    } else {
      account.trust();
    }
  }

  /** The answer begins. */
  void answered() {
    UnfinishedHeads.Head judged = account;
    account = null;
    if (judged != null) {
      judged.judged();
    }
  }
}
