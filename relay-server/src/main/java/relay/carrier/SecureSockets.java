package relay.carrier;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocketFactory;

/** Puts TLS on the sockets of {@link CarrierSockets}. */
public final class SecureSockets extends SSLSocketFactory {
  private final TlsEngines engines;

  public SecureSockets(TlsEngines engines) {
    this.engines = engines;
  }

  /** TLS on a connected socket of {@link CarrierSockets}. */
  @Override
  public Socket createSocket(Socket connected, String host, int port, boolean autoClose)
      throws IOException {
    if (!(connected instanceof CarrierSocket carried)) {
      throw new IllegalArgumentException("no carrier watches " + connected);
    }
    return new SecureSocket(carried, engines, engines.engine(host, port));
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return new String[0];
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return new String[0];
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw unconnected();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort) {
    throw unconnected();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw unconnected();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) {
    throw unconnected();
  }

  private static UnsupportedOperationException unconnected() {
    return new UnsupportedOperationException("a carrier's socket connects first");
  }
}
