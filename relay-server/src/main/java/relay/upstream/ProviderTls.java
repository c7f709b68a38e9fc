package relay.upstream;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import relay.carrier.SecureSockets;
import relay.carrier.TlsEngines;
import relay.config.OutboundTls;
import relay.config.TlsConfig;
import relay.tls.ClientTls;

/** Whom connections to a provider trust, and what they show. Made of the configuration. */
final class ProviderTls {
  private static final char[] PASSWORD = "in memory".toCharArray();

  private ProviderTls() {}

  /** Trusts the JVM's authorities, and shows no certificate. */
  static void applySystem(Protocol preferred, OkHttpClient.Builder client) {
    apply(trusting(List.of()), null, preferred, client);
  }

  /** For connections to the provider itself: trusts the given authorities only. */
  static void apply(OutboundTls tls, Protocol preferred, OkHttpClient.Builder client) {
    apply(tls, tls.authorities(), preferred, client);
  }

  /** For a cloud's token endpoint: trusts the JVM's authorities, too. */
  static void applyForTokens(OutboundTls tls, OkHttpClient.Builder client) {
    List<X509Certificate> all = new ArrayList<>(tls.authorities());
    if (!all.isEmpty()) {
      all.addAll(List.of(trusting(List.of()).getAcceptedIssuers()));
    }
    apply(tls, all, Protocol.HTTP_1_1, client);
  }

  private static void apply(
      OutboundTls tls,
      List<X509Certificate> authorities,
      Protocol preferred,
      OkHttpClient.Builder client) {
    if (tls.equals(OutboundTls.DEFAULT)) {
      return; // as applySystem() has set it
    }
    try {
      apply(trusting(authorities), showing(tls.own()), preferred, client);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("certificates that were read cannot be used", e);
    }
  }

  private static void apply(
      X509TrustManager trust,
      @Nullable X509KeyManager own,
      Protocol preferred,
      OkHttpClient.Builder client) {
    List<Protocol> offered =
        preferred == Protocol.HTTP_1_1 ? List.of(preferred) : List.of(preferred, Protocol.HTTP_1_1);
    TlsEngines engines =
        ClientTls.engines(trust, own, offered.stream().map(Protocol::toString).toList());
    client.protocols(offered).sslSocketFactory(new SecureSockets(engines), trust);
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

  private static @Nullable X509KeyManager showing(@Nullable TlsConfig own)
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
    return (X509KeyManager) factory.getKeyManagers()[0];
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
