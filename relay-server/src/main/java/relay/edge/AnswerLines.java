package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import relay.carrier.AnswerDate;
import relay.model.HeaderLines;

/** Writes the header lines of an answer. */
final class AnswerLines {
  private AnswerLines() {}

  /**
   * @param length of the body; -1 if it is not known
   */
  static void write(
      HttpServerExchange exchange,
      HeaderLines lines,
      long length,
      HeaderNames names,
      AnswerDate date) {
    lines.forEach(
        (name, value) -> {
          HttpString known = names.ofAny(name);
          if (known != null && HeaderText.mayPass(value)) {
            exchange.getResponseHeaders().add(known, HeaderText.write(value));
          }
        });
    if (!exchange.getResponseHeaders().contains(Headers.DATE)) {
      exchange.getResponseHeaders().put(Headers.DATE, date.now());
    }
    if (length >= 0) {
      exchange.setResponseContentLength(length);
    } else if (exchange.isHttp11() && !exchange.isPersistent()) {
      // Undertow would end it by closing the connection: a truncated answer would look complete.
      exchange.getResponseHeaders().put(Headers.TRANSFER_ENCODING, "chunked");
    }
  }
}
