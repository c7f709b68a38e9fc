package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import javax.net.SocketFactory;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.guards.Await;
import relay.memory.MemoryBudget;

@Timeout(60)
class ListenerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();

  private Listener listener(boolean http2, boolean secure, Carriers carriers) {
    return new Listener(
        http2,
        secure ? tls() : null,
        PATIENCE,
        exchange -> exchange.getResponseSender().send("here"),
        carriers,
        MemoryBudget.ofHeap(256L << 20),
        DescriptorReserve.ofProcess());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_closed_port_accepts_no_connection_and_serves_the_open_ones(boolean secure)
      throws Exception {
    try (Carriers carriers = new Carriers("carrier", 1)) {
      Listener listener = listener(true, secure, carriers);
      listener.start("127.0.0.1", 0);
      try (Socket there = sockets(secure).createSocket("127.0.0.1", listener.port())) {
        assertEquals("HTTP/1.1 200 OK", answer(there));
        listener.closePort();
        awaitRefusal(listener.port());
        assertEquals("HTTP/1.1 200 OK", answer(there));
      } finally {
        listener.stop();
      }
    }
  }

  /** HTTP/2 is spoken only where the config says so. */
  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void http_2_is_spoken_if_it_is_on(boolean http2, boolean secure) throws Exception {
    try (Carriers carriers = new Carriers("carrier", 1)) {
      Listener listener = listener(http2, secure, carriers);
      listener.start("127.0.0.1", 0);
      try (Socket socket = sockets(secure).createSocket("127.0.0.1", listener.port())) {
        if (socket instanceof SSLSocket tls) {
          SSLParameters parameters = tls.getSSLParameters();
          parameters.setApplicationProtocols(new String[] {"h2", "http/1.1"});
          tls.setSSLParameters(parameters);
          tls.startHandshake();
          assertEquals(http2 ? "h2" : "http/1.1", tls.getApplicationProtocol());
        } else {
          String preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
          socket.getOutputStream().write(preface.getBytes(StandardCharsets.US_ASCII));
          int first = socket.getInputStream().read(); // of a frame's length, or of a status line
          assertEquals(http2, first == 0, "first byte " + first);
        }
      } finally {
        listener.stop();
      }
    }
  }

  private static void awaitRefusal(int port) throws IOException {
    Await.until("a closed port", () -> isRefused(port));
  }

  private static boolean isRefused(int port) throws IOException {
    try (Socket late = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return !late.isConnected();
    } catch (ConnectException e) {
      return true;
    } catch (SocketException e) {
      return false; // the system took it before the port was closed, and cut it then
    }
  }

  /** The first line. Reads the rest, too. */
  private static String answer(Socket socket) throws Exception {
    socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
    StringBuilder answer = new StringBuilder();
    while (!answer.toString().endsWith("here")) {
      int one = socket.getInputStream().read();
      assertTrue(one >= 0, answer.toString());
      answer.append((char) one);
    }
    return answer.toString().lines().findFirst().orElseThrow();
  }

  private SocketFactory sockets(boolean secure) {
    return secure
        ? new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build()
            .sslSocketFactory()
        : SocketFactory.getDefault();
  }

  private TlsConfig tls() {
    return new TlsConfig(List.of(certificate.certificate()), certificate.keyPair().getPrivate());
  }
}
