package relay.edge;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import relay.config.TlsConfig;

/** The TLS context with the configured certificate. */
final class ServerTls {
  private ServerTls() {}

  static SSLContext context(TlsConfig tls) {
    char[] inMemory = {}; // the store never leaves memory
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, inMemory);
      store.setKeyEntry(
          "relay", tls.privateKey(), inMemory, tls.chain().toArray(new X509Certificate[0]));
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(store, inMemory);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("server.tls: the certificate cannot be used", e);
    }
  }
}
