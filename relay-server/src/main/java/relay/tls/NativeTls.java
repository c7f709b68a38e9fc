package relay.tls;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import relay.carrier.TlsEngines;

/** Engines of BoringSSL. */
final class NativeTls implements TlsEngines {
  private final SslContext context;

  NativeTls(X509TrustManager trust, @Nullable X509KeyManager own, List<String> protocols)
      throws SSLException {
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
  public SSLEngine engine(String host, int port) {
    return context.newEngine(UnpooledByteBufAllocator.DEFAULT, host, port);
  }

  @Override
  public void free(SSLEngine engine) {
    ReferenceCountUtil.release(engine);
  }
}
