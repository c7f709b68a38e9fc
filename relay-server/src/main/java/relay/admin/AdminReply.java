package relay.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A response of the admin plane. */
record AdminReply(int status, String contentType, String body, Map<HttpString, String> headers) {
  static final String JSON = "application/json";
  private static final HttpString NO_SNIFFING = HttpString.tryFromString("x-content-type-options");

  AdminReply {
    headers = Map.copyOf(headers);
  }

  static AdminReply json(ObjectNode body) {
    return new AdminReply(200, JSON, body + "\n", Map.of());
  }

  static AdminReply text(int status, String body) {
    return new AdminReply(status, "text/plain; charset=utf-8", body + "\n", Map.of());
  }

  static AdminReply error(int status, String message) {
    ObjectNode body = JsonNodeFactory.instance.objectNode().put("error", message);
    return new AdminReply(status, JSON, body + "\n", Map.of());
  }

  AdminReply with(HttpString header, String value) {
    return new AdminReply(status, contentType, body, Map.of(header, value));
  }

  void send(HttpServerExchange exchange) {
    exchange.setStatusCode(status);
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_TYPE, contentType)
        .put(Headers.CACHE_CONTROL, "no-store")
        .put(NO_SNIFFING, "nosniff");
    headers.forEach((name, value) -> exchange.getResponseHeaders().put(name, value));
    exchange.getResponseSender().send(body, StandardCharsets.UTF_8);
  }
}
