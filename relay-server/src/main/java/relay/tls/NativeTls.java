package relay.tls;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.ReferenceCounted;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.carrier.TlsEngines;

/**
 * Engines of BoringSSL. It lacks what few servers insist on, such as Ed25519 and DHE. A server
 * whose handshake fails for such a reason gets the JDK's engines from then on.
 */
final class NativeTls implements TlsEngines {
  private static final Logger log = LoggerFactory.getLogger(NativeTls.class);

  /**
   * Marks in BoringSSL's messages: the server refuses what was offered, or answered what was not.
   */
  private static final List<String> LACKS =
      List.of(
          "ALERT_HANDSHAKE_FAILURE",
          "ALERT_INSUFFICIENT_SECURITY",
          "NO_COMMON_SIGNATURE_ALGORITHMS",
          "WRONG_CURVE",
          "WRONG_SIGNATURE_TYPE");

  private final SslContext context;
  private final TlsEngines jdk;
  private final Set<String> jdkPeers = ConcurrentHashMap.newKeySet(); // hosts of the config

  NativeTls(X509TrustManager trust, @Nullable X509KeyManager own, List<String> protocols)
      throws GeneralSecurityException, SSLException {
    jdk = new JdkTls(trust, own, protocols);
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.OPENSSL)
            .trustManager(trust)
            .protocols(ClientTls.PROTOCOLS)
            .endpointIdentificationAlgorithm(null)
            .applicationProtocolConfig(
                new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    protocols));
    if (own != null) {
      builder.keyManager(own);
    }
    context = builder.build();
  }

  /** Why the library does not load; null if it does. */
  static @Nullable Throwable fault() {
    try {
      return OpenSsl.isAvailable() ? null : OpenSsl.unavailabilityCause();
    } catch (LinkageError e) { // Netty's own classes are missing or broken
      return e;
    }
  }

  @Override
  public SSLEngine engine(String host, int port) throws SSLException {
    return jdkPeers.contains(host + ":" + port)
        ? jdk.engine(host, port)
        : context.newEngine(UnpooledByteBufAllocator.DEFAULT, host, port);
  }

  @Override
  public boolean mayAnswerLater(SSLEngine engine) {
    return !(engine instanceof ReferenceCounted) && jdk.mayAnswerLater(engine);
  }

  @Override
  public boolean adapt(String host, int port, SSLException failure) {
    String text = String.valueOf(failure.getMessage());
    boolean lacks = LACKS.stream().anyMatch(text::contains);
    if (lacks && jdkPeers.add(host + ":" + port)) {
      log.info("{} refuses the native TLS library, and gets the JDK's TLS: {}", host, text);
    }
    return lacks;
  }

  @Override
  public void free(SSLEngine engine) {
    ReferenceCountUtil.release(engine); // the JDK's is none
  }
}
