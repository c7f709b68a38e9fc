package relay.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509TrustManager;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.LocalTls;
import relay.carrier.Carriers;
import relay.carrier.HandshakeRefusedException;
import relay.carrier.SecureSockets;
import relay.carrier.TlsEngines;
import relay.guards.Await;

/** TLS on carriers' sockets, with either engine. */
@Tag("slow")
class ClientTlsTest {
  private static final String ANSWER = "event".repeat(40_000);

  private final LocalTls tls = new LocalTls();
  private final MockWebServer web = new MockWebServer();
  private final Carriers carriers = new Carriers("carrier", 2);
  private final AtomicInteger waits = new AtomicInteger();
  private final AtomicInteger freed = new AtomicInteger();

  enum Engine {
    NATIVE,
    JDK
  }

  @AfterEach
  void close() {
    web.close();
    carriers.close();
  }

  private TlsEngines engines(Engine engine, X509TrustManager trust, Protocol... offered) {
    List<String> names = List.of(offered).stream().map(Protocol::toString).toList();
    try {
      TlsEngines made =
          engine == Engine.NATIVE
              ? new NativeTls(trust, null, names)
              : new JdkTls(trust, null, names);
      return new TlsEngines() {
        @Override
        public SSLEngine engine(String host, int port) throws SSLException {
          return made.engine(host, port);
        }

        @Override
        public boolean mayAnswerLater(SSLEngine engine) {
          return made.mayAnswerLater(engine);
        }

        @Override
        public boolean adapt(String host, int port, SSLException failure) {
          return made.adapt(host, port, failure);
        }

        @Override
        public void free(SSLEngine unused) {
          freed.incrementAndGet();
          made.free(unused);
        }
      };
    } catch (GeneralSecurityException | SSLException e) {
      throw new IllegalStateException(e);
    }
  }

  private OkHttpClient client(Engine engine, X509TrustManager trust, Protocol... offered) {
    return new OkHttpClient.Builder()
        .socketFactory(carriers.sockets(0, waits::incrementAndGet))
        .sslSocketFactory(new SecureSockets(engines(engine, trust, offered)), trust)
        .protocols(
            List.of(offered).contains(Protocol.HTTP_1_1)
                ? List.of(offered)
                : List.of(offered[0], Protocol.HTTP_1_1))
        .connectTimeout(Duration.ofSeconds(20))
        .retryOnConnectionFailure(false)
        .build();
  }

  private void serve(Protocol... protocols) throws IOException {
    web.useHttps(tls.server());
    web.setProtocols(List.of(protocols));
    web.start();
  }

  @Test
  void the_native_library_loads_here() {
    assertTrue(ClientTls.isNative());
  }

  @ParameterizedTest
  @EnumSource
  void large_messages_pass_and_the_callback_runs_before_every_wait(Engine engine) throws Exception {
    serve(Protocol.HTTP_1_1);
    OkHttpClient http = client(engine, tls.trust(), Protocol.HTTP_1_1);
    MockResponse chunked =
        new MockResponse.Builder()
            .chunkedBody(ANSWER, 700)
            .throttleBody(ANSWER.length() / 5, 50, TimeUnit.MILLISECONDS) // or it is there at once
            .build();
    exchange(http, Protocol.HTTP_1_1, chunked);
    assertTrue(waits.get() > 1, waits + " waits for 200,000 bytes");
    exchange(http, Protocol.HTTP_1_1, new MockResponse.Builder().body(ANSWER).build());
    assertEquals(1, http.connectionPool().connectionCount());
  }

  @ParameterizedTest
  @EnumSource
  void over_http_2_large_messages_pass(Engine engine) throws Exception {
    serve(Protocol.HTTP_2, Protocol.HTTP_1_1);
    OkHttpClient http = client(engine, tls.trust(), Protocol.HTTP_2, Protocol.HTTP_1_1);
    exchange(http, Protocol.HTTP_2, new MockResponse.Builder().body(ANSWER).build());
    exchange(http, Protocol.HTTP_2, new MockResponse.Builder().body(ANSWER).build());
  }

  @ParameterizedTest
  @EnumSource
  void a_server_that_prefers_http_2_gets_http_1_if_that_is_all_that_is_offered(Engine engine)
      throws Exception {
    serve(Protocol.HTTP_2, Protocol.HTTP_1_1);
    OkHttpClient http = client(engine, tls.trust(), Protocol.HTTP_1_1);
    exchange(http, Protocol.HTTP_1_1, new MockResponse.Builder().body(ANSWER).build());
  }

  private void exchange(OkHttpClient http, Protocol protocol, MockResponse answer)
      throws IOException, InterruptedException {
    byte[] body = new byte[300_000];
    new Random(3).nextBytes(body);
    web.enqueue(answer);
    try (Response response = http.newCall(post(body)).execute()) {
      assertEquals(protocol, response.protocol());
      assertTrue(response.body().string().equals(ANSWER), "the answer is not what was sent");
    }
    RecordedRequest request = web.takeRequest();
    assertArrayEquals(body, Objects.requireNonNull(request.getBody()).toByteArray());
  }

  private Request post(byte[] body) {
    return new Request.Builder().url(web.url("/")).post(RequestBody.create(body)).build();
  }

  /** What BoringSSL does not offer, and the JDK does. */
  enum Insists {
    ED25519,
    DHE
  }

  @ParameterizedTest
  @EnumSource
  void a_server_that_refuses_the_native_engine_gets_the_jdks(Insists kind) throws Exception {
    HeldCertificate authority =
        new HeldCertificate.Builder().certificateAuthority(0).rsa2048().build();
    HeldCertificate.Builder own =
        new HeldCertificate.Builder().addSubjectAlternativeName("localhost").signedBy(authority);
    if (kind == Insists.ED25519) {
      own.keyPair(KeyPairGenerator.getInstance("Ed25519").generateKeyPair());
    } else {
      own.rsa2048();
    }
    HandshakeCertificates certificates =
        new HandshakeCertificates.Builder()
            .heldCertificate(own.build())
            .addTrustedCertificate(authority.certificate())
            .build();
    try (ServerSocket port = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answer(port, certificates.sslSocketFactory(), kind));
      Request request =
          new Request.Builder().url("https://localhost:" + port.getLocalPort() + "/").build();
      OkHttpClient http = client(Engine.NATIVE, certificates.trustManager(), Protocol.HTTP_1_1);
      assertThrows(HandshakeRefusedException.class, () -> http.newCall(request).execute());
      for (int n = 0; n < 3; n++) {
        try (Response response = http.newCall(request).execute()) {
          assertEquals("fine", response.body().string());
        }
      }
    }
    assertEquals(4, freedEngines(4));
  }

  private static void answer(ServerSocket port, SSLSocketFactory factory, Insists kind) {
    while (!port.isClosed()) {
      try (Socket plain = port.accept();
          SSLSocket secure =
              (SSLSocket) factory.createSocket(plain, "localhost", plain.getPort(), true)) {
        secure.setUseClientMode(false);
        SSLParameters parameters = secure.getSSLParameters();
        if (kind == Insists.DHE) {
          parameters.setProtocols(new String[] {"TLSv1.2"});
          parameters.setCipherSuites(new String[] {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"});
        }
        secure.setSSLParameters(parameters);
        if (secure.getInputStream().read(new byte[4096]) > 0) {
          secure
              .getOutputStream()
              .write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfine".getBytes(UTF_8));
        }
      } catch (IOException e) {
        // a refused handshake; the next one follows
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void the_next_connection_resumes_the_session(Engine engine) throws Exception {
    AtomicInteger judged = new AtomicInteger();
    X509TrustManager counting = new CountingTrust(tls.trust(), judged);
    serve(Protocol.HTTP_1_1);
    OkHttpClient http = client(engine, counting, Protocol.HTTP_1_1);
    for (int n = 0; n < 3; n++) {
      exchange(http, Protocol.HTTP_1_1, new MockResponse.Builder().body(ANSWER).build());
      http.connectionPool().evictAll();
    }
    assertEquals(3, freedEngines(3));
    assertEquals(1, judged.get(), "certificates judged");
  }

  /** Without it, an attacker or a broken network could end an answer early. */
  @ParameterizedTest
  @EnumSource
  void an_answer_that_ends_without_close_notify_is_broken(Engine engine) throws Exception {
    try (ServerSocket port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answerAndCut(port));
      Request request =
          new Request.Builder().url("https://localhost:" + port.getLocalPort() + "/").build();
      try (Response response =
          client(engine, tls.trust(), Protocol.HTTP_1_1).newCall(request).execute()) {
        assertThrows(SSLException.class, () -> response.body().string());
      }
    }
  }

  private void answerAndCut(ServerSocket port) {
    try (Socket plain = port.accept();
        SSLSocket secure =
            (SSLSocket) tls.server().createSocket(plain, "localhost", plain.getPort(), false)) {
      secure.setUseClientMode(false);
      byte[] head = new byte[4096];
      assertTrue(secure.getInputStream().read(head) > 0);
      secure
          .getOutputStream()
          .write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf".getBytes(UTF_8));
      plain.shutdownOutput();
      plain
          .getInputStream()
          .transferTo(OutputStream.nullOutputStream()); // until the client has gone
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int freedEngines(int wanted) {
    Await.until("engines freed: " + wanted, () -> freed.get() >= wanted);
    return freed.get();
  }

  @ParameterizedTest
  @EnumSource
  void a_certificate_that_is_not_trusted_is_told(Engine engine) throws Exception {
    serve(Protocol.HTTP_1_1);
    OkHttpClient http = client(engine, new LocalTls().trust(), Protocol.HTTP_1_1);
    SSLHandshakeException failure =
        assertThrows(SSLHandshakeException.class, () -> http.newCall(post(new byte[1])).execute());
    Throwable cause = failure;
    while (cause.getCause() != null && !(cause instanceof CertificateException)) {
      cause = cause.getCause();
    }
    assertInstanceOf(CertificateException.class, cause);
    assertEquals(1, freedEngines(1));
  }

  @ParameterizedTest
  @EnumSource
  void a_handshake_without_an_answer_ends_in_time(Engine engine) throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      Request request =
          new Request.Builder().url("https://localhost:" + silent.getLocalPort() + "/").build();
      OkHttpClient http =
          client(engine, tls.trust(), Protocol.HTTP_1_1)
              .newBuilder()
              .connectTimeout(Duration.ofMillis(300))
              .build();
      assertThrows(SocketTimeoutException.class, () -> http.newCall(request).execute());
    }
    assertEquals(1, freedEngines(1));
  }

  @ParameterizedTest
  @EnumSource
  void a_server_without_tls_is_told(Engine engine) throws Exception {
    try (ServerSocket plain = new ServerSocket(0)) {
      Thread server =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (Socket socket = plain.accept()) {
                      socket
                          .getOutputStream()
                          .write("HTTP/1.1 400 No TLS\r\n\r\n".getBytes(US_ASCII));
                      socket.getInputStream().readAllBytes();
                    } catch (IOException e) {
                      // the client left
                    }
                  });
      Request request =
          new Request.Builder().url("https://localhost:" + plain.getLocalPort() + "/").build();
      OkHttpClient http = client(engine, tls.trust(), Protocol.HTTP_1_1);
      assertThrows(SSLException.class, () -> http.newCall(request).execute());
      server.join();
    }
  }
}
