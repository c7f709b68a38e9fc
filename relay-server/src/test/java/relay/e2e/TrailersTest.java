package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * Header lines after a request's body go nowhere. They arrive after the head was checked: one with
 * a line break would be a second request to the provider, with the pool's key.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrailersTest {
  private static final String REQUEST = "POST /v1/anything HTTP/1.1";
  private static final String SMUGGLED =
      "a\r\ncontent-length: 0\r\n\r\n" + REQUEST + "\r\nhost: a\r\ncontent-length: 0\r\nx-pad: b";
  private static final int PART_BYTES = 16_000;

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
  private final RawProvider provider;
  private final Replicas plain;
  private final Replicas secure;

  enum Port {
    PLAIN,
    TLS
  }

  TrailersTest(@TempDir Path directory) throws Exception {
    provider =
        new RawProvider(
            (request, connection) -> {
              String tag = request.header("x-tag");
              byte[] body = ("{\"of\":\"" + tag + "\",\"input_tokens\":1}").getBytes(ISO_8859_1);
              connection.write(
                  "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                      .formatted(body.length));
              connection.write(body);
            });
    plain = setup().start(1);
    secure = setup().tls(directory, certificate).start(1);
  }

  private Setup setup() {
    return new Setup()
        .http2()
        .provider(
            "anthropic",
            Dialect.ANTHROPIC,
            provider.url(),
            List.of("passthrough: true"),
            List.of(Setup.key("a")));
  }

  @AfterAll
  void close() throws Exception {
    plain.close();
    secure.close();
    provider.close();
  }

  private RawHttp2Client client(Port port) throws IOException {
    InetAddress host = InetAddress.ofLiteral("127.0.0.1");
    if (port == Port.PLAIN) {
      return new RawHttp2Client(new Socket(host, plain.port(0)));
    }
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    SSLSocket socket = (SSLSocket) trust.sslSocketFactory().createSocket(host, secure.port(0));
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"h2"});
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    return new RawHttp2Client(socket);
  }

  static Stream<Arguments> requests() {
    return Stream.of(Port.values())
        .flatMap(
            port ->
                Stream.of(
                    Arguments.of(port, "/v1/messages", 100),
                    Arguments.of(port, "/v1/messages", 100_000),
                    Arguments.of(port, "/v1/messages/count_tokens", 100),
                    Arguments.of(port, "/v1/files", 100),
                    Arguments.of(port, "/v1/files", 60_000),
                    Arguments.of(port, "/v1/files", 70_000),
                    Arguments.of(port, "/v1/files", 2_000_000)));
  }

  private static List<Map<String, String>> trailers() {
    Map<String, String> many = new HashMap<>();
    for (int n = 0; n < 300; n++) {
      many.put("x-trail-" + n, "a".repeat(100));
    }
    return List.of(
        Map.of("x-trail", SMUGGLED),
        Map.of("x-trail", SMUGGLED.replace("\r", "")),
        Map.of("x-trail", SMUGGLED.replace("\n", "")),
        Map.of("x-trail: a\r\nx-more", "b"),
        Map.of("x-trail:", "a"),
        Map.of("x-trail", "a\0b"),
        Map.of("x-trail", "1", "anthropic-beta", "x-trail", "host", "x-trail"),
        Map.of("content-length", "5", "transfer-encoding", "chunked", "expect", "100-continue"),
        Map.of("x-relay-client-timeout-ms", "1", "x-api-key", "x-trail", "x-tag", "x-trail"),
        Map.of(":path", "/x-trail", ":method", "DELETE"),
        many);
  }

  /** Sends a request with trailers, and returns its answer. */
  private static String send(
      RawHttp2Client client, int stream, String path, int bytes, Map<String, String> trailers)
      throws IOException {
    client.head(
        stream, Map.of(":path", path, "x-tag", "attacker", "anthropic-version", "2023-06-01"));
    String members = "\"max_tokens\":1,\"x\":\"" + "x".repeat(bytes) + "\",";
    byte[] body = Ask.body("anthropic", members).getBytes(ISO_8859_1);
    for (int from = 0; from < body.length; from += PART_BYTES) {
      int to = Math.min(body.length, from + PART_BYTES);
      client.data(stream, false, 0, Arrays.copyOfRange(body, from, to));
    }
    client.trailers(stream, trailers);
    return client.status(stream) + " " + client.body(stream);
  }

  private static String answer(String tag) {
    return "200 {\"of\":\"%s\",\"input_tokens\":1}".formatted(tag);
  }

  private static void askAsBystander(RawHttp2Client client, int stream) throws IOException {
    String body = Ask.body("anthropic", "\"max_tokens\":1,");
    client.request(stream, Map.of("x-tag", "bystander"), body.getBytes(ISO_8859_1));
    assertEquals(answer("bystander"), client.status(stream) + " " + client.body(stream));
  }

  @ParameterizedTest
  @MethodSource("requests")
  void they_do_not_reach_the_provider(Port port, String path, int bytes) throws Exception {
    try (RawHttp2Client attacker = client(port);
        RawHttp2Client bystander = client(port)) {
      int stream = -1;
      for (Map<String, String> trailers : trailers()) {
        int before = provider.received().size();
        stream += 2;
        assertEquals(answer("attacker"), send(attacker, stream, path, bytes, trailers));
        askAsBystander(bystander, stream);
        List<Received> received = provider.received();
        assertEquals(before + 2, received.size(), "requests");
        for (Received request : received.subList(before, received.size())) {
          String head = request.line() + "\n" + String.join("\n", request.headers());
          assertFalse(head.toLowerCase(Locale.ROOT).contains("x-trail"), head);
          assertFalse(head.contains("100-continue") || head.contains("x-more"), head);
          assertTrue(head.contains("x-api-key: " + Setup.secret("a")), head);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void those_of_a_refused_request_leave_the_connection_to_others(Port port) throws Exception {
    try (RawHttp2Client client = client(port)) {
      byte[] part = Ask.body("anthropic", "").getBytes(ISO_8859_1);
      for (int stream = 1; stream < 60; stream += 4) {
        client.head(stream, Map.of("x-api-key", "wrong"));
        client.data(stream, false, 0, part);
        assertEquals(401, client.status(stream));
        client.trailers(stream, Map.of("x-trail", "1")); // the stream was reset meanwhile
        askAsBystander(client, stream + 2);
      }
    }
  }

  @Test
  void those_of_a_chunked_body_do_not_reach_the_provider() throws Exception {
    for (String path : List.of("/v1/messages", "/v1/messages/count_tokens", "/v1/files")) {
      String body = Ask.body("anthropic", "\"max_tokens\":1,");
      String request =
          "POST %s HTTP/1.1\r\nhost: a\r\nx-api-key: %s\r\ncontent-type: application/json\r\nx-tag: attacker\r\nanthropic-version: 2023-06-01\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nx-trail: 1\r\nanthropic-beta: x-trail\r\n\r\n"
              .formatted(path, Ask.CLIENT_KEY, body.length(), body);
      try (RawClient wire = new RawClient(plain.port(0))) {
        wire.send(request.getBytes(ISO_8859_1));
        Answer answer = wire.answer();
        assertEquals(answer("attacker"), answer.status() + " " + answer.text());
      }
      String head = String.join("\n", provider.received().getLast().headers());
      assertFalse(head.contains("x-trail"), head);
    }
  }
}
