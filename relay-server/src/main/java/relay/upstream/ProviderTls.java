package relay.upstream;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import relay.config.OutboundTls;
import relay.config.TlsConfig;

/** Whom connections to a provider trust, and what they show. Made of the configuration. */
final class ProviderTls {
  private static final char[] PASSWORD = "in memory".toCharArray();

  private ProviderTls() {}

  /** For connections to the provider itself: trusts the given authorities only. */
  static void apply(OutboundTls tls, OkHttpClient.Builder client) {
    apply(tls, tls.authorities(), client);
  }

  /** For a cloud's token endpoint: trusts the JVM's authorities, too. */
  static void applyForTokens(OutboundTls tls, OkHttpClient.Builder client) {
    List<X509Certificate> all = new ArrayList<>(tls.authorities());
    if (!all.isEmpty()) {
      all.addAll(List.of(trusting(List.of()).getAcceptedIssuers()));
    }
    apply(tls, all, client);
  }

  private static void apply(
      OutboundTls tls, List<X509Certificate> authorities, OkHttpClient.Builder client) {
    if (tls.equals(OutboundTls.DEFAULT)) {
      return; // OkHttp's own, which is the JVM's
    }
    try {
      X509TrustManager trust = trusting(authorities);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(showing(tls.own()), new TrustManager[] {trust}, null);
      client.sslSocketFactory(context.getSocketFactory(), trust);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("certificates that were read cannot be used", e);
    }
  }

  /**
   * @param authorities empty = the JVM's
   */
  private static X509TrustManager trusting(List<X509Certificate> authorities) {
    try {
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(authorities.isEmpty() ? null : holding(authorities));
      return (X509TrustManager) factory.getTrustManagers()[0];
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("certificates that were read cannot be used", e);
    }
  }

  private static KeyManager @Nullable [] showing(@Nullable TlsConfig own)
      throws GeneralSecurityException, IOException {
    if (own == null) {
      return null;
    }
    KeyStore store = empty();
    X509Certificate[] chain = own.chain().toArray(X509Certificate[]::new);
    store.setKeyEntry("own", own.privateKey(), PASSWORD, chain);
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, PASSWORD);
    return factory.getKeyManagers();
  }

  private static KeyStore holding(List<X509Certificate> authorities)
      throws GeneralSecurityException, IOException {
    KeyStore store = empty();
    for (X509Certificate each : authorities) {
      store.setCertificateEntry("ca-" + store.size(), each);
    }
    return store;
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
