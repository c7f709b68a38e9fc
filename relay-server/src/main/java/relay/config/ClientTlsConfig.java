package relay.config;

import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * TLS towards a server: whom to trust, and how to prove who asks.
 *
 * @param authorities certificates that sign the server's; empty = the JVM's
 * @param chain the client's certificate and its intermediate certificates; empty = none
 * @param privateKey the key of the client's certificate; null = none
 */
public record ClientTlsConfig(
    List<X509Certificate> authorities,
    List<X509Certificate> chain,
    @Nullable PrivateKey privateKey) {
  public ClientTlsConfig {
    authorities = List.copyOf(authorities);
    chain = List.copyOf(chain);
  }

  /** Without the private key. */
  @Override
  public String toString() {
    return "ClientTlsConfig";
  }

  /** Equal for equal files; shows nothing of the key. */
  KeyHash fingerprint() {
    StringBuilder all = new StringBuilder();
    try {
      for (List<X509Certificate> some : List.of(authorities, chain)) {
        for (X509Certificate certificate : some) {
          all.append(HexFormat.of().formatHex(certificate.getEncoded())).append('\n');
        }
        all.append('\n');
      }
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read cannot be written", e);
    }
    if (privateKey != null) {
      all.append(HexFormat.of().formatHex(privateKey.getEncoded()));
    }
    return KeyHash.of(all.toString());
  }
}
