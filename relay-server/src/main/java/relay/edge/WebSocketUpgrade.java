package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import relay.model.RelayError;

/**
 * A request to change to a WebSocket (RFC 6455, section 4.1), which Relay refuses at once: clients
 * such as codex then go on by HTTP, and after another answer they try again first. Other upgrades,
 * such as h2c, are ignored: HTTP allows that, and their clients go on as if they had not asked.
 */
final class WebSocketUpgrade {
  static final String PROTOCOL = "websocket";

  private WebSocketUpgrade() {}

  static boolean isAsked(HttpServerExchange exchange) {
    return exchange.getRequestMethod().equals(Methods.GET)
        && names(exchange, Headers.UPGRADE, PROTOCOL)
        && names(exchange, Headers.CONNECTION, "upgrade");
  }

  static RelayError refusal() {
    return RelayError.upgradeRefused("Relay speaks no WebSocket here: send the request by HTTP");
  }

  /** Whether a list has a word, also with a version after it. */
  private static boolean names(HttpServerExchange exchange, HttpString header, String word) {
    HeaderValues lines = exchange.getRequestHeaders().get(header);
    if (lines == null) {
      return false;
    }
    for (String line : lines) {
      for (String one : line.split(",", -1)) {
        if (one.strip().split("/", 2)[0].equalsIgnoreCase(word)) {
          return true;
        }
      }
    }
    return false;
  }
}
