package relay.config;

import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Comparator;
import java.util.HexFormat;
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

  /** When the chain ends to be valid: the earliest end of its certificates. */
  public Instant expires() {
    return chain.stream()
        .map(certificate -> certificate.getNotAfter().toInstant())
        .min(Comparator.naturalOrder())
        .orElseThrow();
  }

  /** Whether a certificate of the chain has expired. */
  public boolean isExpired() {
    return expires().isBefore(Instant.now());
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
