package relay.carrier;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import javax.net.ssl.HandshakeCompletedListener;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import relay.reach.Http2Streams;

/**
 * TLS on a carrier's socket. After the handshake that socket's own streams carry the content, so
 * all that works for a plain connection works for this one.
 *
 * <p>The engine decides protocols, cipher suites and ALPN: to set them here changes nothing.
 */
final class SecureSocket extends SSLSocket {
  private static final String HTTP2 = "h2";

  private final CarrierSocket socket;
  private final TlsEngines engines;
  private final SSLEngine engine;

  SecureSocket(CarrierSocket socket, TlsEngines engines, SSLEngine engine) {
    this.socket = socket;
    this.engines = engines;
    this.engine = engine;
  }

  CarrierSocket socket() {
    return socket;
  }

  @Override
  public void startHandshake() throws IOException {
    try {
      socket.endpoint().secure(engines, engine);
    } catch (SSLException e) {
      throw engines.adapt(engine.getPeerHost(), engine.getPeerPort(), e)
          ? new HandshakeRefusedException(e)
          : e;
    }
  }

  @Override
  public SSLSession getSession() {
    return engine.getSession();
  }

  @Override
  public SSLSession getHandshakeSession() {
    return engine.getHandshakeSession();
  }

  @Override
  public String getApplicationProtocol() {
    return engine.getApplicationProtocol();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return engine.getSupportedCipherSuites();
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return engine.getEnabledCipherSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {}

  @Override
  public String[] getSupportedProtocols() {
    return engine.getSupportedProtocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return engine.getEnabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {}

  @Override
  public SSLParameters getSSLParameters() {
    return new SSLParameters();
  }

  @Override
  public void setSSLParameters(SSLParameters params) {}

  @Override
  public void addHandshakeCompletedListener(HandshakeCompletedListener listener) {
    throw new UnsupportedOperationException("startHandshake() returns when it is complete");
  }

  @Override
  public void removeHandshakeCompletedListener(HandshakeCompletedListener listener) {}

  @Override
  public void setUseClientMode(boolean mode) {
    if (!mode) {
      throw new IllegalArgumentException("it is a client");
    }
  }

  @Override
  public boolean getUseClientMode() {
    return true;
  }

  @Override
  public void setNeedClientAuth(boolean need) {}

  @Override
  public boolean getNeedClientAuth() {
    return false;
  }

  @Override
  public void setWantClientAuth(boolean want) {}

  @Override
  public boolean getWantClientAuth() {
    return false;
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {}

  @Override
  public boolean getEnableSessionCreation() {
    return true;
  }

  // ---- the socket's

  @Override
  public InputStream getInputStream() throws IOException {
    return socket.getInputStream();
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    OutputStream plain = socket.getOutputStream();
    return HTTP2.equals(getApplicationProtocol()) ? Http2Streams.stating(plain) : plain;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  @Override
  public boolean isClosed() {
    return socket.isClosed();
  }

  @Override
  public boolean isConnected() {
    return socket.isConnected();
  }

  @Override
  public boolean isBound() {
    return socket.isBound();
  }

  @Override
  public boolean isInputShutdown() {
    return socket.isInputShutdown();
  }

  @Override
  public boolean isOutputShutdown() {
    return socket.isOutputShutdown();
  }

  @Override
  public void setSoTimeout(int timeoutMs) throws SocketException {
    socket.setSoTimeout(timeoutMs);
  }

  @Override
  public int getSoTimeout() throws SocketException {
    return socket.getSoTimeout();
  }

  @Override
  public InetAddress getInetAddress() {
    return socket.getInetAddress();
  }

  @Override
  public InetAddress getLocalAddress() {
    return socket.getLocalAddress();
  }

  @Override
  public int getPort() {
    return socket.getPort();
  }

  @Override
  public int getLocalPort() {
    return socket.getLocalPort();
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return socket.getRemoteSocketAddress();
  }

  @Override
  public SocketAddress getLocalSocketAddress() {
    return socket.getLocalSocketAddress();
  }

  @Override
  public String toString() {
    return "TLS on " + socket;
  }
}
