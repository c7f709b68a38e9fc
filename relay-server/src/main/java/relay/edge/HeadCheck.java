package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.util.HeaderMap;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.ParserUtils;
import io.undertow.util.Protocols;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.model.RelayError;

/**
 * Rejects heads that Undertow accepts although they are too large, or ambiguous in the body's
 * length, the target or a value. Restores the {@linkplain HeaderWhitespace whitespace} of the
 * values.
 */
final class HeadCheck {
  /** Most bytes of the target and the header lines, each with colon, space and line end. */
  static final int MAX_BYTES = 64 * 1024;

  static final int MAX_LINES = 200;

  private static final int LINE_MARKS = 4;

  /** Relay uses the first of these lines; another parser may use the last. */
  private static final List<HttpString> ONCE =
      List.of(Headers.CONTENT_TYPE, Headers.CONTENT_ENCODING);

  private static final boolean[] OF_NAMES = new boolean[256];

  static {
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .chars()
        .forEach(c -> OF_NAMES[c] = true);
  }

  private HeadCheck() {}

  /** Null for a correct head. */
  static @Nullable RelayError wrong(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getRequestHeaders();
    if (exchange.getRequestMethod().toString().equals("CONNECT")) {
      return RelayError.wrongMethod("Relay is no proxy: make it the base URL of the API");
    }
    if (exchange.isHostIncludedInRequestURI()) {
      return RelayError.invalid(
          "the request's target is an absolute URL, as for a proxy; Relay is no proxy: make it the"
              + " base URL of the API");
    }
    if (!isHttp1(exchange) && !isTarget(exchange)) { // in HTTP/1.1 Undertow checks it
      return RelayError.invalid("the path or query has characters that must be percent-encoded");
    }
    HeaderValues encodings = headers.get(Headers.TRANSFER_ENCODING);
    if (encodings != null
        && (encodings.size() > 1
            || !encodings.getFirst().equalsIgnoreCase("chunked")
            || !exchange.getProtocol().equals(Protocols.HTTP_1_1))) {
      return RelayError.invalid("transfer-encoding can only be chunked, and only in HTTP/1.1");
    }
    for (HttpString name : ONCE) {
      if (headers.count(name) > 1) {
        return RelayError.invalid(name + " is given twice");
      }
    }
    int lines = 0;
    int bytes = exchange.getRequestURI().length() + exchange.getQueryString().length();
    for (HeaderValues values : headers) {
      HttpString name = values.getHeaderName();
      if (!isName(name)) {
        return RelayError.invalid("a header's name has characters that HTTP does not allow");
      }
      for (int n = 0; n < values.size(); n++) {
        if (!HeaderText.isText(values.get(n)) && !restores(exchange, values, n)) {
          return RelayError.invalid("the header %s is not UTF-8 text".formatted(name));
        }
        lines++;
        bytes += name.length() + values.get(n).length() + LINE_MARKS;
      }
    }
    return lines > MAX_LINES || bytes > MAX_BYTES
        ? RelayError.headTooLarge(
            "the request's head is too large: it may have %d header lines and %d KiB"
                .formatted(MAX_LINES, MAX_BYTES / 1024))
        : null;
  }

  /** Whether a value becomes text with its whitespace; over HTTP/2 nothing was encoded. */
  private static boolean restores(HttpServerExchange exchange, HeaderValues values, int n) {
    if (!isHttp1(exchange)) {
      return false;
    }
    values.set(n, HeaderWhitespace.restored(values.get(n)));
    return HeaderText.isText(values.get(n));
  }

  private static boolean isHttp1(HttpServerExchange exchange) {
    return exchange.getConnection() instanceof HttpServerConnection;
  }

  private static boolean isTarget(HttpServerExchange exchange) {
    return isTarget(exchange.getRequestURI()) && isTarget(exchange.getQueryString());
  }

  private static boolean isTarget(String part) {
    for (int n = 0; n < part.length(); n++) {
      char c = part.charAt(n);
      boolean good =
          c == '%'
              ? n + 2 < part.length()
                  && Character.digit(part.charAt(n + 1), 16) >= 0
                  && Character.digit(part.charAt(n + 2), 16) >= 0
              : c < 0x80 && ParserUtils.isRequestTargetChar((byte) c);
      if (!good) {
        return false;
      }
    }
    return true;
  }

  /** In HTTP/1.1 a name with a colon would become another header. */
  private static boolean isName(HttpString name) {
    for (int n = 0; n < name.length(); n++) {
      if (!OF_NAMES[name.byteAt(n) & 0xff]) {
        return false;
      }
    }
    return name.length() > 0;
  }
}
