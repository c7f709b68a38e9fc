package relay.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import mockwebserver3.MockWebServer;
import okhttp3.Protocol;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** What a provider speaks. */
enum ProviderWire {
  PLAIN("HTTP/1.1"),
  TLS_H1("TLS, HTTP/1.1"),
  TLS_H2("TLS, HTTP/2");

  private static final HeldCertificate AUTHORITY =
      new HeldCertificate.Builder().certificateAuthority(0).build();
  private static final SSLSocketFactory GOOD = factory(certificate("127.0.0.1").build());
  private static final Path AUTHORITY_FILE = file();

  private final String label;

  ProviderWire(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  boolean isTls() {
    return this != PLAIN;
  }

  String url(int port) {
    return (isTls() ? "https" : "http") + "://127.0.0.1:" + port;
  }

  /** What a provider's entry in the configuration needs. */
  List<String> settings() {
    return isTls() ? List.of("tls: { ca: " + AUTHORITY_FILE + " }") : List.of();
  }

  /** A certificate of the authority that {@link #settings} names. */
  static HeldCertificate.Builder certificate(String host) {
    return new HeldCertificate.Builder().signedBy(AUTHORITY).addSubjectAlternativeName(host);
  }

  /** A server's sockets with a certificate. */
  static SSLSocketFactory factory(HeldCertificate certificate) {
    return new HandshakeCertificates.Builder()
        .heldCertificate(certificate)
        .build()
        .sslSocketFactory();
  }

  static SSLSocketFactory factory() {
    return GOOD;
  }

  /** A server that speaks this, and is not started. */
  MockWebServer mock() {
    MockWebServer server = new MockWebServer();
    if (isTls()) {
      server.useHttps(GOOD);
      server.setProtocols(
          this == TLS_H2
              ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
              : List.of(Protocol.HTTP_1_1));
    }
    server.setServerSocketFactory(SocketsWithoutDelay.ofServer());
    return server;
  }

  /** The server's side of a handshake; the socket itself without TLS. */
  Socket accepted(Socket socket, SSLSocketFactory tls) throws IOException {
    if (!isTls()) {
      return socket;
    }
    SSLSocket secure = (SSLSocket) tls.createSocket(socket, "127.0.0.1", socket.getPort(), true);
    secure.setUseClientMode(false);
    SSLParameters parameters = secure.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {this == TLS_H2 ? "h2" : "http/1.1"});
    secure.setSSLParameters(parameters);
    secure.startHandshake();
    return secure;
  }

  private static Path file() {
    try {
      Path file = Files.createTempFile("relay-authority", ".pem");
      file.toFile().deleteOnExit();
      return Files.writeString(file, AUTHORITY.certificatePem());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
