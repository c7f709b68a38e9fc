package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.guards.Await;
import relay.memory.MemoryBudget;

/** New connections never cost a client its own that has shown a credential, or is about to. */
@Tag("slow")
@Timeout(60)
class TrustedConnectionsTest {
  private static final int ROOM = 100; // connections
  private static final int PLAIN_BYTES = 4 * 1024;
  private static final int SECURE_BYTES = 28 * 1024;

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
  private final CountDownLatch decided = new CountDownLatch(1);
  private final AtomicInteger judging = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Carriers carriers = new Carriers("carrier", 2);
  private final List<Socket> sockets = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    decided.countDown();
    for (Socket socket : sockets) {
      socket.close();
    }
    carriers.close();
    threads.close();
  }

  private Listener listener(boolean secure, HttpHandler handler) {
    MemoryBudget memory = MemoryBudget.ofHeap(256L << 20);
    long room = ROOM * (long) (secure ? SECURE_BYTES : PLAIN_BYTES);
    assertTrue(memory.takeForNewcomer(memory.totalBytes() - room));
    TlsConfig tls =
        new TlsConfig(List.of(certificate.certificate()), certificate.keyPair().getPrivate());
    Listener listener =
        new Listener(
            false,
            secure ? tls : null,
            Duration.ofSeconds(30),
            handler,
            carriers,
            memory,
            DescriptorReserve.ofProcess());
    listener.start("127.0.0.1", 0);
    return listener;
  }

  private Socket connect(Listener listener) throws IOException {
    Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
    socket.setSoTimeout(20_000);
    sockets.add(socket);
    return socket;
  }

  private Socket client(Listener listener, boolean secure) throws IOException {
    if (!secure) {
      return connect(listener);
    }
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    Socket socket =
        trust.sslSocketFactory().createSocket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
    socket.setSoTimeout(20_000);
    sockets.add(socket);
    return socket;
  }

  private static void ask(Socket client) throws IOException {
    client.getOutputStream().write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".getBytes(ISO_8859_1));
  }

  private static String answer(Socket client) throws IOException {
    byte[] answer = new byte[12];
    int n = client.getInputStream().readNBytes(answer, 0, answer.length);
    return new String(answer, 0, n, ISO_8859_1);
  }

  private static boolean isClosed(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketException e) {
      return true;
    }
  }

  /** Its credential is looked at on another thread, and found good. */
  private void judge(HttpServerExchange exchange) {
    Judgement judgement = new Judgement(exchange);
    exchange.dispatch(
        threads,
        () -> {
          judging.getAndIncrement();
          await(decided);
          judgement.trust();
          judgement.answered();
          exchange.getResponseSender().send("here");
        });
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_request_whose_credential_is_looked_at_keeps_its_connection(boolean secure)
      throws Exception {
    Listener listener = listener(secure, this::judge);
    Socket client = client(listener, secure);
    ask(client);
    Await.until("it is being judged", () -> judging.get() == 1);
    for (int n = 0; n < ROOM + 20; n++) {
      connect(listener); // over TLS without a handshake
    }
    Await.until("strangers made room", () -> listener.shed().count("stranger") == 21);
    decided.countDown();
    assertEquals("HTTP/1.1 200", answer(client));
    assertEquals(0, listener.shed().count("newcomer"));
    listener.stop();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_newcomer_is_refused_where_nobody_may_go(boolean secure) throws Exception {
    Listener listener = listener(secure, this::judge);
    List<Socket> clients = new ArrayList<>();
    for (int n = 0; n < ROOM; n++) {
      clients.add(client(listener, secure));
      ask(clients.getLast());
    }
    Await.until("all are being judged", () -> judging.get() == ROOM);
    assertTrue(isClosed(connect(listener)), "a newcomer");
    assertEquals(1, listener.shed().count("newcomer"));
    assertEquals(0, listener.shed().count("stranger"));
    decided.countDown();
    for (Socket client : clients) {
      assertEquals("HTTP/1.1 200", answer(client));
    }
    listener.stop();
  }

  @Test
  void a_credential_counts_at_once_while_the_threads_of_its_connection_are_busy() throws Exception {
    Listener listener =
        listener(
            false,
            exchange -> {
              Judgement judgement = new Judgement(exchange);
              Thread other = Thread.ofPlatform().start(judgement::trust);
              other.join();
              judgement.answered();
              judging.getAndIncrement();
              await(decided); // so the connection's thread does nothing else
              exchange.dispatch( // after what that thread was told to do meanwhile
                  exchange.getIoThread(), () -> exchange.getResponseSender().send("here"));
            });
    connect(listener); // the first carrier has it, and goes on accepting
    Socket client = connect(listener);
    ask(client);
    Await.until("it is being judged", () -> judging.get() == 1);
    for (int n = 0; n < 2 * (ROOM + 20); n++) { // the first carrier admits every other
      connect(listener);
    }
    Await.until("the first carrier sheds", () -> listener.shed().count("stranger") >= 10);
    decided.countDown();
    assertEquals("HTTP/1.1 200", answer(client));
    listener.stop();
  }
}
