package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/** A client that sends its whole body before it reads sees an early answer, not a reset. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EarlyAnswerTest {
  private static final int MAX_BODY_BYTES = 100_000;
  private static final int BODY_BYTES = 20_000_000;

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas plain;
  private final Replicas secure;

  EarlyAnswerTest(@TempDir Path directory) throws Exception {
    plain = setup().start(1);
    secure = setup().tls(directory, certificate).start(1);
  }

  private Setup setup() throws IOException {
    return new Setup()
        .http2()
        .server("max_body_bytes: " + MAX_BODY_BYTES)
        .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"));
  }

  @AfterAll
  void close() throws Exception {
    plain.close();
    secure.close();
    provider.close();
  }

  private static byte[] body() {
    return Ask.body("anthropic", "\"x\":\"" + "x".repeat(BODY_BYTES) + "\",").getBytes(ISO_8859_1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 60_000})
  void a_413_follows_a_body_of_20_mb_of_any_framing(int chunk) throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "").body(body());
    try (RawClient wire = new RawClient(plain.port(0))) {
      wire.send(chunk == 0 ? ask : ask.chunked(chunk));
      Errors.relays(wire.answer(), Dialect.ANTHROPIC, 413, "request_too_large");
    }
  }

  @Test
  void a_401_follows_a_body_of_20_mb() throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "").credential("x-api-key: wrong").body(body());
    try (RawClient wire = new RawClient(plain.port(0))) {
      wire.send(ask);
      Errors.relays(wire.answer(), Dialect.ANTHROPIC, 401, "authentication_error");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"HTTP_2", "HTTP_1_1"})
  void a_413_reaches_clients_over_tls(Protocol protocol) throws Exception {
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    OkHttpClient client =
        new OkHttpClient.Builder()
            .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
            .protocols(
                protocol == Protocol.HTTP_2
                    ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
                    : List.of(Protocol.HTTP_1_1))
            .callTimeout(Duration.ofSeconds(15))
            .retryOnConnectionFailure(false)
            .build();
    isTooLarge(client, "https", secure.port(0), protocol);
    client.connectionPool().evictAll();
  }

  @Test
  void a_413_reaches_clients_over_http_2_by_prior_knowledge() throws Exception {
    OkHttpClient client =
        new OkHttpClient.Builder()
            .protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE))
            .callTimeout(Duration.ofSeconds(15))
            .retryOnConnectionFailure(false)
            .build();
    isTooLarge(client, "http", plain.port(0), Protocol.H2_PRIOR_KNOWLEDGE);
    client.connectionPool().evictAll();
  }

  private static void isTooLarge(OkHttpClient client, String scheme, int port, Protocol protocol)
      throws IOException {
    for (int n = 0; n < 2; n++) {
      Request request =
          new Request.Builder()
              .url(scheme + "://127.0.0.1:" + port + "/v1/messages")
              .header("x-api-key", Ask.CLIENT_KEY)
              .post(RequestBody.create(body(), MediaType.get("application/json")))
              .build();
      try (Response response = client.newCall(request).execute()) {
        assertEquals(protocol, response.protocol());
        assertEquals(413, response.code());
        assertTrue(response.body().string().contains("request_too_large"));
      }
    }
  }

  @Test
  void a_client_that_sends_without_end_is_cut_off() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), plain.port(0))) {
      OutputStream out = socket.getOutputStream();
      String head =
          "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: wrong\r\ncontent-length: "
              + (1L << 40)
              + "\r\n\r\n";
      out.write(head.getBytes(ISO_8859_1));
      byte[] part = new byte[1 << 20];
      assertThrows(
          IOException.class,
          () -> {
            for (int n = 0; n < 200; n++) {
              out.write(part);
            }
          });
    }
  }
}
