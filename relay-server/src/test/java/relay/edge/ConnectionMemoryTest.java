package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.guards.Await;
import relay.memory.MemoryBudget;

/** Idle connections count against the memory budget, from their first moment to their end. */
@Tag("slow")
class ConnectionMemoryTest {
  private static final int CONNECTIONS = 20;
  private static final String HTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();

  enum Kind {
    PLAIN(4, false, false, ""),
    HALF_A_PREFACE(4, false, false, HTTP2.substring(0, 10)),
    PLAIN_HTTP2(36, false, false, HTTP2),
    NO_HANDSHAKE(28, true, false, ""),
    TLS(28, true, true, ""),
    TLS_HTTP2(60, true, true, HTTP2);

    final int kib;
    final boolean secure;
    final boolean handshake;
    final String sent;

    Kind(int kib, boolean secure, boolean handshake, String sent) {
      this.kib = kib;
      this.secure = secure;
      this.handshake = handshake;
      this.sent = sent;
    }
  }

  private Listener listener(Kind kind, Carriers carriers, MemoryBudget memory) {
    return new Listener(
        true,
        kind.secure
            ? new TlsConfig(List.of(certificate.certificate()), certificate.keyPair().getPrivate())
            : null,
        Duration.ofSeconds(30),
        ConnectionMemoryTest::serve,
        carriers,
        memory,
        DescriptorReserve.ofProcess());
  }

  private Socket connect(Kind kind, int port) throws IOException {
    InetAddress host = InetAddress.ofLiteral("127.0.0.1");
    if (!kind.handshake) {
      return new Socket(host, port);
    }
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    SSLSocket socket = (SSLSocket) trust.sslSocketFactory().createSocket(host, port);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {kind.sent.isEmpty() ? "http/1.1" : "h2"});
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    return socket;
  }

  @ParameterizedTest
  @EnumSource
  void each_connection_counts_until_it_is_closed(Kind kind) throws Exception {
    MemoryBudget memory = MemoryBudget.ofHeap(256L << 20);
    try (Carriers carriers = new Carriers("carrier", 1)) {
      Listener listener = listener(kind, carriers, memory);
      listener.start("127.0.0.1", 0);
      List<Socket> sockets = new ArrayList<>();
      for (int n = 0; n < CONNECTIONS; n++) {
        Socket socket = connect(kind, listener.port());
        socket.getOutputStream().write(kind.sent.getBytes(ISO_8859_1));
        sockets.add(socket);
      }
      long expected = 1024L * CONNECTIONS * kind.kib;
      Await.until("all are counted", () -> memory.usedBytes() == expected);
      for (Socket socket : sockets) {
        socket.close();
      }
      Await.until("nothing is held", () -> memory.usedBytes() == 0);
      listener.stop();
      assertEquals(0, memory.usedBytes());
    }
  }

  /** As for a client with a credential. */
  private static void serve(HttpServerExchange exchange) {
    new Judgement(exchange).trust();
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "PLAIN_HTTP2"})
  void idle_strangers_hold_a_quarter_at_most_and_the_oldest_are_closed(Kind kind) throws Exception {
    MemoryBudget memory = MemoryBudget.ofHeap(32L << 20);
    long most = memory.totalBytes() / 4;
    int crowd = (int) (most / 1024 / kind.kib) + 50;
    List<Socket> strangers = new ArrayList<>();
    try (Carriers carriers = new Carriers("carrier", 1)) {
      Listener listener = listener(kind, carriers, memory);
      listener.start("127.0.0.1", 0);
      Socket client = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
      assertAnswers(client);
      for (int n = 0; n < crowd; n++) {
        strangers.add(connect(kind, listener.port()));
        strangers.getLast().getOutputStream().write(kind.sent.getBytes(ISO_8859_1));
      }
      strangers.getFirst().setSoTimeout(20_000);
      while (strangers.getFirst().getInputStream().read() >= 0) {
        // settings come first over HTTP/2
      }
      assertAnswers(client);
      try (Socket newcomer = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port())) {
        assertAnswers(newcomer);
      }
      Await.until("a quarter", () -> memory.usedBytes() <= most + 4096);
      assertTrue(memory.usedBytes() > most - 1024L * kind.kib, "more were closed than needed");
      for (Socket stranger : strangers) {
        stranger.close();
      }
      client.close();
      Await.until("nothing is held", () -> memory.usedBytes() == 0);
      listener.stop();
    }
  }

  private static void assertAnswers(Socket client) throws IOException {
    client.setSoTimeout(20_000);
    client.getOutputStream().write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".getBytes(ISO_8859_1));
    byte[] answer = new byte[200];
    String start = new String(answer, 0, client.getInputStream().read(answer), ISO_8859_1);
    assertTrue(start.startsWith("HTTP/1.1 200"), start);
  }
}
