package relay.tls;

import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.carrier.TlsEngines;

/**
 * Makes the TLS engines of connections to servers: TLS 1.2 and 1.3, with sessions that are resumed.
 *
 * <p>A native library does the work, if it loads.
 */
public final class ClientTls {
  /** Set to false, this system property turns the native library off. */
  public static final String NATIVE = "relay.native_tls";

  static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  private static final Logger log = LoggerFactory.getLogger(ClientTls.class);
  private static final boolean IS_NATIVE = findNative();

  private ClientTls() {}

  private static boolean findNative() {
    if (!Boolean.parseBoolean(System.getProperty(NATIVE, "true"))) {
      return false;
    }
    Throwable fault = NativeTls.fault();
    if (fault != null) {
      log.warn(
          "TLS to providers takes more processor time, because its native library does not load"
              + " (it needs glibc, and a temporary directory that permits execution): {}",
          fault.toString());
    }
    return fault == null;
  }

  /** Whether the native library is used. */
  static boolean isNative() {
    return IS_NATIVE;
  }

  /**
   * Engines that do not compare the server's name with its certificate: the caller does.
   *
   * @param trust judges the server's certificate
   * @param own holds the certificate to show; null for none
   * @param protocols for ALPN, the preferred one first
   */
  public static TlsEngines engines(
      X509TrustManager trust, @Nullable X509KeyManager own, List<String> protocols) {
    try {
      return IS_NATIVE ? new NativeTls(trust, own, protocols) : new JdkTls(trust, own, protocols);
    } catch (GeneralSecurityException | SSLException e) {
      throw new IllegalStateException("TLS cannot be set up", e);
    }
  }
}
