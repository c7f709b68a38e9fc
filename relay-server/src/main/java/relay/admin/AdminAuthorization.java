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
 * Access control of the admin plane. On a loopback address no token is needed, so a web page in a
 * local browser is a possible attacker. A page can send to any address, also what takes places or
 * time without being read: check {@code Origin} and {@code Sec-Fetch-Site}. With DNS rebinding, a
 * host name that resolves to 127.0.0.1, it can also read: check {@code Host}.
 */
final class AdminAuthorization {
  /** Paths for probes and scrapers. They reveal nothing confidential. */
  static final Set<String> OPEN = Set.of("/healthz", "/readyz", "/metrics");

  private static final HttpString SEC_FETCH_SITE = HttpString.tryFromString("sec-fetch-site");
  private static final HttpString SEC_FETCH_DEST = HttpString.tryFromString("sec-fetch-dest");
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

  /** The refusal of a request; null if it is allowed. */
  @Nullable AdminReply refusal(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getRequestHeaders();
    HttpString method = exchange.getRequestMethod();
    boolean reads = method.equals(Methods.GET) || method.equals(Methods.HEAD);
    if (isForeign(headers) && !(reads && isLink(exchange))) {
      return AdminReply.error(403, "requests from another origin are refused");
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
          403, "needs a token on " + listen.host() + "; set server.admin_token");
    }
    return isAddressedHere(headers.getFirst(Headers.HOST))
        ? null
        : AdminReply.error(
            403, "the Host header names another machine; use localhost, or set server.admin_token");
  }

  /** Whether a person follows a link of another site. The feed is nothing to look at. */
  private static boolean isLink(HttpServerExchange exchange) {
    return "document".equals(exchange.getRequestHeaders().getFirst(SEC_FETCH_DEST))
        && !exchange.getRequestPath().equals(DashboardFeed.PATH);
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

  /**
   * The password of Basic authentication: browsers can send the token only this way. The user name
   * is ignored.
   */
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

  /** Whether a Host header names this machine. Any port is allowed, because tunnels change it. */
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
