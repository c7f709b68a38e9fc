package relay.config;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * The data plane's TLS certificate and key.
 *
 * @param chain the server's certificate, followed by its intermediate certificates; at least one
 * @param privateKey the first certificate's key
 */
public record TlsConfig(List<X509Certificate> chain, PrivateKey privateKey) {
  public TlsConfig {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("a chain needs at least one certificate");
    }
  }

  @Override
  public String toString() {
    return "TlsConfig["
        + chain.getFirst().getSubjectX500Principal()
        + "]"; // without the private key
  }
}
