package relay.edge;

import io.undertow.server.HttpServerExchange;

/** What a client has asked for, byte for byte: Undertow drops an empty query. */
final class RequestTarget {
  private RequestTarget() {}

  /** Path and query, undecoded. */
  static String of(HttpServerExchange exchange) {
    String path = exchange.getRequestURI(); // undecoded
    String query = exchange.getQueryString();
    String start = FramingGuard.queryStart(exchange);
    if (start == null) {
      start = SharedChannel.queryStart(exchange);
    }
    if (start == null) {
      start = query.isEmpty() ? "" : "?";
    }
    return path + start + query;
  }
}
