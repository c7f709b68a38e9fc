package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.ConduitFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;
import relay.config.TlsConfig;
import relay.pipeline.ClientExchange.Body;

/** Bodies over HTTP/1.1 with TLS: once a thread waits, only the I/O thread touches the channel. */
class SecureBodyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int PIECES = 5;

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
  private final BlockingQueue<Body> read = new LinkedBlockingQueue<>();
  private final Semaphore waits = new Semaphore(0);
  private final Queue<String> beside = new ConcurrentLinkedQueue<>();

  @AutoClose
  private final OneCarrierListener listener =
      new OneCarrierListener(
          this::handle,
          new TlsConfig(List.of(certificate.certificate()), certificate.keyPair().getPrivate()));

  /** Notes which thread changes a channel's state after its first wait. */
  private final class Noted extends AbstractStreamSourceConduit<StreamSourceConduit> {
    private final Thread io;
    private volatile boolean waited;

    Noted(StreamSourceConduit next, Thread io) {
      super(next);
      this.io = io;
    }

    private void note(String what) {
      if (waited && Thread.currentThread() != io) {
        beside.add(what);
      }
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
      note("read");
      return super.read(to);
    }

    @Override
    public void suspendReads() {
      note("suspend");
      super.suspendReads();
    }

    @Override
    public void resumeReads() {
      waited = true;
      note("resume");
      super.resumeReads();
      waits.release();
    }
  }

  private void handle(HttpServerExchange exchange) {
    ClientBounds bounds = listener.bounds(PATIENCE);
    ClientClosing closing = ClientClosing.of(exchange);
    exchange.addRequestWrapper(
        (ConduitFactory<StreamSourceConduit> factory, HttpServerExchange of) ->
            new Noted(factory.create(), of.getIoThread()));
    exchange.dispatch(
        listener.carriers().at(exchange.getIoThread()),
        () -> {
          read.add(BodyReader.read(exchange, closing, bounds, 1_000_000, null));
          ClientDisconnectWatch.on(exchange, closing, () -> {});
          exchange.getIoThread().execute(() -> exchange.getResponseSender().send("ok"));
        });
  }

  private Socket connect() throws IOException {
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    return trust
        .sslSocketFactory()
        .createSocket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
  }

  private static void readAnswer(Socket client) throws IOException {
    StringBuilder answer = new StringBuilder();
    while (!answer.toString().endsWith("\r\n\r\nok")) {
      int b = client.getInputStream().read();
      assertTrue(b >= 0, () -> "the connection ended after: " + answer);
      answer.append((char) b);
    }
  }

  @Test
  void only_the_io_thread_touches_a_body_that_is_waited_for() throws Exception {
    byte[] head =
        ("POST / HTTP/1.1\r\nhost: relay.test\r\ncontent-length: " + PIECES + "\r\n\r\n")
            .getBytes(ISO_8859_1);
    try (Socket client = connect()) {
      OutputStream out = client.getOutputStream();
      for (int n = 0; n < 3; n++) { // the connection is kept
        waits.drainPermits();
        out.write(head);
        for (int piece = 0; piece < PIECES; piece++) {
          assertTrue(waits.tryAcquire(20, TimeUnit.SECONDS), "it waits for more");
          out.write('a' + piece);
        }
        Body body = read.poll(20, TimeUnit.SECONDS);
        assertNotNull(body);
        assertArrayEquals(
            "abcde".getBytes(ISO_8859_1),
            assertInstanceOf(Body.Whole.class, body).payload().bytes());
        readAnswer(client);
      }
    }
    assertEquals(List.of(), List.copyOf(beside));
  }
}
