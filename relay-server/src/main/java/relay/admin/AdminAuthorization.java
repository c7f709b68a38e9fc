package relay.admin;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.config.KeyHash;
import relay.config.ListenAddress;
import relay.config.Secret;

/**
 * Who may do what. On a loopback address no token is needed, so there the browser of whoever works
 * on the machine is the way in for strangers: a page may post to any address ({@code Origin}
 * tells), and with a name of its own that resolves to 127.0.0.1 it may even read ({@code Host}
 * tells).
 */
final class AdminAuthorization {
  /** What a probe or a scraper asks, and which tells nothing that it should not know. */
  static final Set<String> OPEN = Set.of("/healthz", "/readyz", "/metrics");

  private static final HttpString SEC_FETCH_SITE = HttpString.tryFromString("sec-fetch-site");
  private static final String BEARER = "bearer ";
  private static final String BASIC = "basic ";

  private final ListenAddress listen;
  private final Supplier<@Nullable Secret> tokenNow;

  /**
   * @param tokenNow gives null where there is none
   */
  AdminAuthorization(ListenAddress listen, Supplier<@Nullable Secret> tokenNow) {
    this.listen = listen;
    this.tokenNow = tokenNow;
  }

  /** Why a request is refused; null if it is not. */
  @Nullable AdminReply refusal(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getRequestHeaders();
    HttpString method = exchange.getRequestMethod();
    if (!method.equals(Methods.GET) && !method.equals(Methods.HEAD) && isForeign(headers)) {
      return AdminReply.error(403, "a request from another origin is refused");
    }
    if (OPEN.contains(exchange.getRequestPath())) {
      return null;
    }
    Secret token = tokenNow.get();
    if (token != null) {
      return hasToken(headers, token.hash())
          ? null
          : AdminReply.error(
                  401, "needs the header \"Authorization: Bearer\" with server.admin_token")
              .with(
                  Headers.WWW_AUTHENTICATE,
                  isBrowser(headers) ? "Basic realm=\"Relay\"" : "Bearer");
    }
    if (!listen.isLoopback()) {
      return AdminReply.error(
          403, "not without a token on " + listen.host() + "; set server.admin_token");
    }
    return isAddressedHere(headers.getFirst(Headers.HOST))
        ? null
        : AdminReply.error(
            403, "the Host header names another machine; use localhost, or set server.admin_token");
  }

  private static boolean isForeign(HeaderMap headers) {
    String site = headers.getFirst(SEC_FETCH_SITE);
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return true;
    }
    HeaderValues origins = headers.get(Headers.ORIGIN);
    if (origins == null) {
      return false;
    }
    String host = headers.getFirst(Headers.HOST);
    return host == null
        || !origins.stream()
            .allMatch(
                origin ->
                    origin.equalsIgnoreCase("http://" + host)
                        || origin.equalsIgnoreCase("https://" + host));
  }

  private static boolean hasToken(HeaderMap headers, KeyHash token) {
    HeaderValues values = headers.get(Headers.AUTHORIZATION);
    if (values == null || values.size() != 1) {
      return false;
    }
    String value = values.getFirst();
    String scheme = value.toLowerCase(Locale.ROOT);
    String shown =
        scheme.startsWith(BEARER)
            ? value.substring(BEARER.length()).trim()
            : scheme.startsWith(BASIC) ? password(value.substring(BASIC.length()).trim()) : null;
    return shown != null && token.equals(KeyHash.of(shown));
  }

  /** A browser can send a token only as the password that it asks its user for; of any name. */
  private static @Nullable String password(String encoded) {
    try {
      String decoded = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
      int colon = decoded.indexOf(':');
      return colon < 0 ? null : decoded.substring(colon + 1);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean isBrowser(HeaderMap headers) {
    String accepts = headers.getFirst(Headers.ACCEPT);
    return accepts != null && accepts.contains("text/html");
  }

  /** Whether a Host header, of any port for the sake of tunnels, means this machine. */
  private boolean isAddressedHere(@Nullable String hostAndPort) {
    if (hostAndPort == null) {
      return false;
    }
    String host = hostAndPort.replaceFirst(":[0-9]*$", "");
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    return host.equalsIgnoreCase(listen.host()) || new ListenAddress(host, 0).isLoopback();
  }
}
