package relay.config;

import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;

/**
 * What the data plane proves itself with.
 *
 * @param chain the server's certificate, then those that lead to its root; at least one
 * @param privateKey of the first certificate
 */
public record TlsConfig(List<X509Certificate> chain, PrivateKey privateKey) {
  public TlsConfig {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("a chain has a certificate at least");
    }
  }

  @Override
  public String toString() {
    return "TlsConfig[" + chain.getFirst().getSubjectX500Principal() + "]"; // never the key
  }

  /** Equal for equal files; shows nothing of the key. */
  public KeyHash fingerprint() {
    StringBuilder all = new StringBuilder();
    try {
      for (X509Certificate certificate : chain) {
        all.append(HexFormat.of().formatHex(certificate.getEncoded())).append('\n');
      }
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read cannot be written", e);
    }
    return KeyHash.of(all.append(HexFormat.of().formatHex(privateKey.getEncoded())).toString());
  }
}
