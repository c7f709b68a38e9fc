package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.Base64;
import okhttp3.Authenticator;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;
import relay.config.ProxyUrl;

/** Connections through an HTTP proxy: a tunnel by CONNECT, so that it sees only encrypted bytes. */
final class ProxyTunnel {
  private static final String HEADER = "Proxy-Authorization";

  private ProxyTunnel() {}

  /**
   * @param proxy null = connect directly
   */
  static void apply(@Nullable ProxyUrl proxy, OkHttpClient.Builder client) {
    if (proxy == null) {
      client.proxy(Proxy.NO_PROXY);
      return;
    }
    // Unresolved: OkHttp looks the name up for each connection, by the client's Dns.
    InetSocketAddress address = InetSocketAddress.createUnresolved(proxy.host(), proxy.port());
    client.proxy(new Proxy(Proxy.Type.HTTP, address));
    if (proxy.credentials() != null) {
      byte[] known = proxy.credentials().reveal().getBytes(UTF_8);
      client.proxyAuthenticator(
          authenticator("Basic " + Base64.getEncoder().encodeToString(known)));
    }
  }

  /**
   * OkHttp asks before the first CONNECT, and again if the proxy refuses: then there is no more.
   */
  private static Authenticator authenticator(String value) {
    return (_, response) -> {
      Request request = response.request();
      return request.header(HEADER) == null
          ? request.newBuilder().header(HEADER, value).build()
          : null;
    };
  }
}
