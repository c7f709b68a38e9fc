package relay.tls;

import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import relay.carrier.TlsEngines;

/** The JDK's engines. */
final class JdkTls implements TlsEngines {
  private final SSLContext context;
  private final String[] protocols;

  JdkTls(X509TrustManager trust, @Nullable X509KeyManager own, List<String> protocols)
      throws GeneralSecurityException {
    context = SSLContext.getInstance("TLS");
    context.init(own == null ? null : new KeyManager[] {own}, new TrustManager[] {trust}, null);
    this.protocols = protocols.toArray(String[]::new);
  }

  @Override
  public SSLEngine engine(String host, int port) {
    SSLEngine engine = context.createSSLEngine(host, port);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(ClientTls.PROTOCOLS);
    parameters.setApplicationProtocols(protocols);
    engine.setSSLParameters(parameters);
    return engine;
  }

  @Override
  public boolean mayAnswerLater(SSLEngine engine) {
    return engine.getSession().getProtocol().equals("TLSv1.3");
  }

  @Override
  public void free(SSLEngine engine) {} // it holds heap only
}
