package relay.config;

import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * TLS towards a server that Relay connects to.
 *
 * @param authorities certificates to trust instead of the JVM's; empty = the JVM's
 * @param own the certificate and key to show to the server; null = none
 */
public record OutboundTls(List<X509Certificate> authorities, @Nullable TlsConfig own) {

  /** The JVM's authorities, and no certificate to show. */
  public static final OutboundTls DEFAULT = new OutboundTls(List.of(), null);

  public OutboundTls {
    authorities = List.copyOf(authorities);
  }

  @Override
  public String toString() {
    return "OutboundTls[" + authorities.size() + " authorities, " + own + "]";
  }
}
