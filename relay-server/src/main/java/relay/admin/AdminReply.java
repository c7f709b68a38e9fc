package relay.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import org.xnio.IoUtils;

/** A response of the admin plane. */
record AdminReply(int status, String contentType, String body, Map<HttpString, String> headers) {
  static final String JSON = "application/json";
  private static final HttpString NO_SNIFFING = HttpString.tryFromString("x-content-type-options");

  AdminReply {
    headers = Map.copyOf(headers);
  }

  static AdminReply json(ObjectNode body) {
    return json(body + "\n");
  }

  static AdminReply json(String body) {
    return new AdminReply(200, JSON, body, Map.of());
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

  /**
   * Sends it, from any thread, compressed if that is worth it and the client takes gzip. The I/O
   * thread ends the exchange: elsewhere Undertow would read the client's next request on a worker,
   * which a carrier lacks, and the answer would be lost.
   */
  void send(HttpServerExchange exchange) {
    byte[] plain = body.getBytes(StandardCharsets.UTF_8);
    boolean zips = plain.length >= Gzip.WORTH_BYTES && Gzip.isAccepted(exchange);
    ByteBuffer content = ByteBuffer.wrap(zips ? Gzip.of(plain) : plain);
    if (exchange.isInIoThread()) {
      send(exchange, content, zips);
      return;
    }
    try {
      exchange.getIoThread().execute(() -> send(exchange, content, zips));
    } catch (RejectedExecutionException e) {
      // the thread has ended, and the connection with it
    }
  }

  private void send(HttpServerExchange exchange, ByteBuffer content, boolean zipped) {
    try {
      exchange.setStatusCode(status);
      exchange
          .getResponseHeaders()
          .put(Headers.CONTENT_TYPE, contentType)
          .put(Headers.CACHE_CONTROL, "no-store")
          .put(NO_SNIFFING, "nosniff");
      if (zipped) {
        exchange
            .getResponseHeaders()
            .put(Headers.CONTENT_ENCODING, "gzip")
            .put(Headers.VARY, "accept-encoding");
      }
      headers.forEach((name, value) -> exchange.getResponseHeaders().put(name, value));
      exchange.getResponseSender().send(content);
    } catch (RuntimeException | Error e) {
      IoUtils.safeClose(exchange.getConnection()); // no other code would answer
      throw e;
    }
  }
}
