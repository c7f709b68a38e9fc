package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import okhttp3.Call;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Clients over TLS, with HTTP/2 or HTTP/1.1 chosen by ALPN. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TlsTest {
  private final HeldCertificate root =
      new HeldCertificate.Builder().certificateAuthority(1).rsa2048().build();
  private final HeldCertificate intermediate =
      new HeldCertificate.Builder().certificateAuthority(0).signedBy(root).build();
  private final HeldCertificate leaf =
      new HeldCertificate.Builder()
          .addSubjectAlternativeName("127.0.0.1")
          .signedBy(intermediate)
          .build();
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Path certificate;
  private final Path key;
  private final Replicas replicas;

  TlsTest(@TempDir Path directory) throws Exception {
    certificate = directory.resolve("chain.pem");
    key = directory.resolve("key.pem");
    Files.writeString(certificate, leaf.certificatePem() + intermediate.certificatePem());
    Files.writeString(key, leaf.privateKeyPkcs8Pem());
    replicas =
        new Setup()
            .http2()
            .server("tls: { certificate: " + certificate + ", private_key: " + key + " }")
            .jvm("-Drelay.timings=patience=1500")
            .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
            .start(1);
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private HandshakeCertificates trust() {
    return new HandshakeCertificates.Builder().addTrustedCertificate(root.certificate()).build();
  }

  private OkHttpClient client(Protocol most) {
    HandshakeCertificates trust = trust();
    return new OkHttpClient.Builder()
        .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
        .protocols(
            most == Protocol.HTTP_2
                ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
                : List.of(Protocol.HTTP_1_1))
        .build();
  }

  private Call call(OkHttpClient client, String members) {
    return client.newCall(
        new Request.Builder()
            .url("https://127.0.0.1:" + replicas.port(0) + "/v1/messages")
            .header("x-api-key", Ask.CLIENT_KEY)
            .post(
                RequestBody.create(
                    Ask.body("anthropic", members), MediaType.get("application/json")))
            .build());
  }

  @ParameterizedTest
  @EnumSource(names = {"HTTP_2", "HTTP_1_1"})
  void answers_and_streams_pass(Protocol protocol) throws Exception {
    OkHttpClient client = client(protocol);
    for (int n = 0; n < 3; n++) { // reuses the connection
      provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
      String large = "\"x\":\"" + "x".repeat(300_000) + "\",";
      try (Response response = call(client, large).execute()) {
        assertEquals(protocol, response.protocol());
        assertEquals(200, response.code());
        assertEquals(Says.answer(Dialect.ANTHROPIC), response.body().string());
      }
      assertEquals(Ask.body("anthropic", large), provider.received().getLast().text());
      provider.script(
          (request, connection) -> {
            connection.write(Says.STREAM);
            for (String event : Says.events(Dialect.ANTHROPIC)) {
              connection.chunk(event);
            }
            connection.chunk("");
          });
      try (Response response = call(client, "\"stream\":true,").execute()) {
        String all = String.join("", Says.events(Dialect.ANTHROPIC));
        assertEquals(all, response.body().string());
      }
    }
    client.connectionPool().evictAll();
  }

  @ParameterizedTest
  @EnumSource(names = {"HTTP_2", "HTTP_1_1"})
  void a_client_that_leaves_cancels_the_call_to_the_provider(Protocol protocol) throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          connection.awaitClosed();
          closed.countDown();
        });
    Call call = call(client(protocol), "");
    Thread waiting = Thread.ofVirtual().start(() -> assertThrows(IOException.class, call::execute));
    assertTrue(asked.await(10, TimeUnit.SECONDS));
    call.cancel();
    waiting.join();
    assertTrue(closed.await(10, TimeUnit.SECONDS), "the call goes on");
  }

  @Test
  void a_head_passes_unchanged_however_it_is_split_into_records() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    byte[] ask =
        Ask.of(Dialect.ANTHROPIC, "anthropic")
            .header("x-blanks: \t a \t  b  c \t ")
            .header("connection: close")
            .bytes();
    for (int record : List.of(1, 2, 3, 7, ask.length)) {
      try (Socket socket = trust().sslSocketFactory().createSocket("127.0.0.1", replicas.port(0))) {
        for (int from = 0; from < ask.length; from += record) {
          socket.getOutputStream().write(ask, from, Math.min(record, ask.length - from));
        }
        String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
        assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
        assertEquals("a \t  b  c", provider.received().getLast().header("x-blanks"));
      }
    }
  }

  /** A client could make handshakes without end on one connection. */
  @Test
  void a_client_of_tls_1_2_gets_no_second_handshake() throws Exception {
    try (SSLSocket socket =
        (SSLSocket) trust().sslSocketFactory().createSocket("127.0.0.1", replicas.port(0))) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      socket.setSoTimeout(20_000);
      socket.startHandshake();
      assertEquals("TLSv1.2", socket.getSession().getProtocol());
      socket.startHandshake(); // sends a hello: its answer is read below
      assertThrows(SSLException.class, () -> socket.getInputStream().read());
    }
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    try (Response response = call(client(Protocol.HTTP_1_1), "").execute()) {
      assertEquals(200, response.code());
    }
  }

  private X509Certificate shown() throws IOException {
    try (SSLSocket socket =
        (SSLSocket) trust().sslSocketFactory().createSocket("127.0.0.1", replicas.port(0))) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  @Test
  void a_renewed_certificate_is_shown_to_those_who_come_and_the_others_go_on() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    X509Certificate before = shown();
    try (SSLSocket open =
        (SSLSocket) trust().sslSocketFactory().createSocket("127.0.0.1", replicas.port(0))) {
      open.startHandshake();
      HeldCertificate renewed =
          new HeldCertificate.Builder()
              .addSubjectAlternativeName("127.0.0.1")
              .signedBy(intermediate)
              .rsa2048() // of another type, too
              .build();
      Files.writeString(certificate, renewed.certificatePem() + intermediate.certificatePem());
      Await.until( // the two do not belong together
          "half of the change is refused",
          () -> replicas.metric(0, "relay_config_reloads_total{result=\"failure\"}") > 0);
      assertEquals(before, shown());
      Files.writeString(key, renewed.privateKeyPkcs8Pem());
      Await.until("it is shown", () -> shown().equals(renewed.certificate()));
      open.getOutputStream()
          .write(Ask.of(Dialect.ANTHROPIC, "anthropic").header("connection: close").bytes());
      String answer = new String(open.getInputStream().readAllBytes(), UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
    }
  }

  @Test
  void clients_without_tls_and_silent_clients_are_disconnected() throws Exception {
    try (RawClient plain = new RawClient(replicas.port(0))) {
      plain.send(Ask.of(Dialect.ANTHROPIC, "anthropic"));
      assertThrows(IOException.class, plain::head);
    }
    try (RawClient silent = new RawClient(replicas.port(0))) {
      assertThrows(EOFException.class, silent::head);
    }
  }
}
