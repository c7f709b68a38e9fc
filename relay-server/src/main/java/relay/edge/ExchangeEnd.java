package relay.edge;

import io.undertow.server.HttpServerExchange;

/** The end of an exchange, whichever way it ends. */
final class ExchangeEnd {
  private ExchangeEnd() {}

  /**
   * Runs a callback at the end of an exchange, or at once if it has ended. On the I/O thread.
   *
   * <p>{@link HttpServerExchange#isComplete} does not tell: after a write to a client that has
   * reset the connection, the listeners have run, and it is still false.
   */
  static void then(HttpServerExchange exchange, Runnable callback) {
    if (exchange.isComplete()) {
      callback.run();
      return;
    }
    try {
      exchange.addExchangeCompleteListener(
          (_, next) -> {
            callback.run();
            next.proceed();
          });
    } catch (IllegalStateException ended) {
      callback.run();
    }
  }
}
