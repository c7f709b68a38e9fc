package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Protocol;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;

/** Providers over TLS, like all real ones: HTTP/2 if offered, else HTTP/1.1. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Http2ProviderTest {
  private static final String PASSWORD = "changeit";

  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
  private final MockWebServer http2 = provider(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1));
  private final MockWebServer http11 = provider(List.of(Protocol.HTTP_1_1));
  private final Replicas replicas;

  Http2ProviderTest(@TempDir Path directory) throws Exception {
    Path trust = directory.resolve("trust.p12");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD.toCharArray());
    store.setCertificateEntry("provider", certificate.certificate());
    try (OutputStream file = Files.newOutputStream(trust)) {
      store.store(file, PASSWORD.toCharArray());
    }
    replicas =
        new Setup()
            .jvm("-Drelay.provider_http2=HTTP_2")
            .jvm("-Djavax.net.ssl.trustStore=" + trust)
            .jvm("-Djavax.net.ssl.trustStorePassword=" + PASSWORD)
            .provider("HTTP_2", Dialect.ANTHROPIC, url(http2), Setup.key("a"))
            .provider("HTTP_1_1", Dialect.ANTHROPIC, url(http11), Setup.key("b"))
            .start(1);
  }

  private MockWebServer provider(List<Protocol> protocols) throws Exception {
    MockWebServer server = new MockWebServer();
    server.useHttps(
        new HandshakeCertificates.Builder()
            .heldCertificate(certificate)
            .build()
            .sslSocketFactory());
    server.setProtocols(protocols);
    server.start();
    return server;
  }

  private static String url(MockWebServer server) {
    return "https://127.0.0.1:" + server.getPort();
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    http2.close();
    http11.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"HTTP_2", "HTTP_1_1"})
  void answers_and_streams_pass(Protocol protocol) throws Exception {
    MockWebServer provider = protocol == Protocol.HTTP_2 ? http2 : http11;
    for (int n = 0; n < 3; n++) {
      provider.enqueue(
          new MockResponse.Builder()
              .addHeader("content-type", "application/json")
              .addHeader("x-other", "1")
              .body(Says.answer(Dialect.ANTHROPIC))
              .build());
      Ask ask = Ask.of(Dialect.ANTHROPIC, protocol.name()).header("X-Mixed-Case: 1");
      Answer answer = RawClient.ask(replicas.port(0), ask);
      assertEquals(200, answer.status(), answer.toString());
      assertEquals(Says.answer(Dialect.ANTHROPIC), answer.text());
      assertEquals("1", answer.header("x-other"));
      RecordedRequest request = provider.takeRequest();
      assertEquals(protocol == Protocol.HTTP_2 ? "HTTP/2" : "HTTP/1.1", request.getVersion());
      assertEquals("1", request.getHeaders().get("x-mixed-case"));

      String events = String.join("", Says.events(Dialect.ANTHROPIC));
      provider.enqueue(
          new MockResponse.Builder()
              .addHeader("content-type", "text/event-stream")
              .body(events)
              .build());
      Answer stream =
          RawClient.ask(replicas.port(0), Ask.stream(Dialect.ANTHROPIC, protocol.name()));
      assertTrue(stream.whole());
      assertEquals(events, stream.text());
      provider.takeRequest();
    }
  }
}
