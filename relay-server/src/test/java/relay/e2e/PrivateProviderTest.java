package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.config.ServiceAccounts;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;

/** Providers as companies have them: private authorities, client certificates, proxies. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PrivateProviderTest {
  private static final String PASSWORD = "proxy-password-9b1";
  private static final String HOSTS = "127.0.0.3 twin.test\n127.0.0.1 twin.test\n";

  private final HeldCertificate authority =
      new HeldCertificate.Builder().certificateAuthority(0).build();
  private final HeldCertificate own =
      new HeldCertificate.Builder().commonName("relay").signedBy(authority).build();
  private final List<RecordedRequest> received = new CopyOnWriteArrayList<>();
  private final List<MockWebServer> servers = new ArrayList<>();
  private final MockWebServer mutual = server(named("127.0.0.1", "far.test"), true, 0);
  private final MockWebServer twin = server(named("twin.test", "moved.test"), false, 0);
  private final MockWebServer other = server(named("other.test"), false, 0);
  private final MockWebServer expired =
      server(named("127.0.0.1").validityInterval(0, 1_000_000_000_000L), false, 0);
  private final ConnectProxy proxy =
      new ConnectProxy("Basic dTpwcm94eS1wYXNzd29yZC05YjE="); // u and the password
  private final Path directory;
  private final Replicas replicas;

  PrivateProviderTest(@TempDir Path directory) throws Exception {
    this.directory = directory;
    file("ca.pem", authority.certificatePem());
    file("own.pem", own.certificatePem());
    file("own.key", own.privateKeyPkcs8Pem());
    String ca = "ca: " + directory.resolve("ca.pem");
    String all = ca + ", certificate: %1$s/own.pem, private_key: %1$s/own.key".formatted(directory);
    String via = "proxy: http://u:%s@127.0.0.1:%d".formatted(PASSWORD, proxy.port());
    String nowhere = "proxy: http://127.0.0.1:" + LoopbackPorts.free();
    Setup setup =
        new Setup()
            .jvm("-Djdk.net.hosts.file=" + file("hosts", HOSTS + "127.0.0.1 moved.test\n"))
            .jvm("-Dsun.net.inetaddr.ttl=1");
    provider(setup, "mutual", "127.0.0.1", mutual, "tls: { " + all + " }");
    provider(setup, "twin", "twin.test", twin, "tls: { " + ca + " }");
    provider(setup, "moved", "moved.test", twin, "tls: { " + ca + " }");
    provider(setup, "far", "far.test", mutual, "tls: { " + all + " }", via);
    provider(setup, "certificate", "127.0.0.1", mutual);
    provider(setup, "anonymous", "127.0.0.1", mutual, "tls: { " + ca + " }");
    provider(setup, "expired", "127.0.0.1", expired, "tls: { " + ca + " }");
    provider(setup, "identity", "127.0.0.1", other, "tls: { " + ca + " }");
    provider(setup, "proxy", "far.test", mutual, via.replace("u:", "wrong:"));
    provider(setup, "absent", "far.test", mutual, nowhere);
    Path account =
        file("account", ServiceAccounts.file("https://far.test:" + mutual.getPort() + "/token"));
    setup.provider(
        """
        - name: vertex
          type: vertex
          base_url: https://far.test:%d
          tls: { %s }
          %s
          project: p-1
          region: us-east5
          models: [vertex]
          keys: [{ key: "${file:%s}", id: g-1 }]
        """
            .formatted(mutual.getPort(), all, via, account));
    replicas = setup.start(1);
  }

  private static void provider(
      Setup setup, String name, String host, MockWebServer server, String... settings) {
    setup.provider(
        name,
        Dialect.ANTHROPIC,
        "https://" + host + ":" + server.getPort(),
        List.of(settings),
        List.of(Setup.key(name + "-1"), Setup.key(name + "-2"), Setup.key(name + "-3")));
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(directory.resolve(name), text);
  }

  private HeldCertificate.Builder named(String... hosts) {
    HeldCertificate.Builder builder = new HeldCertificate.Builder().signedBy(authority);
    List.of(hosts).forEach(builder::addSubjectAlternativeName);
    return builder;
  }

  private MockWebServer server(HeldCertificate.Builder certificate, boolean asks, int port)
      throws Exception {
    HandshakeCertificates tls =
        new HandshakeCertificates.Builder()
            .heldCertificate(certificate.build())
            .addTrustedCertificate(authority.certificate())
            .build();
    MockWebServer server = new MockWebServer();
    server.useHttps(tls.sslSocketFactory());
    if (asks) {
      server.requireClientAuth();
    }
    server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            received.add(request);
            String token = "{\"access_token\":\"t-1\",\"expires_in\":3600}";
            boolean forToken = request.getTarget().equals("/token");
            return new MockResponse.Builder()
                .addHeader("content-type", "application/json")
                .body(forToken ? token : Says.answer(Dialect.ANTHROPIC))
                .build();
          }
        });
    server.start(InetAddress.ofLiteral(port == 0 ? "127.0.0.1" : "127.0.0.4"), port);
    servers.add(server);
    return server;
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    proxy.close();
    servers.forEach(MockWebServer::close);
  }

  private Answer ask(String pool) throws Exception {
    return RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, pool));
  }

  @Test
  void a_provider_of_a_private_authority_gets_relays_certificate() throws Exception {
    assertEquals(200, ask("mutual").status());
    var shown = Objects.requireNonNull(received.getLast().getHandshake()).peerCertificates();
    assertEquals(List.of(own.certificate()), shown);
  }

  @Test
  void a_provider_that_asks_for_a_certificate_refuses_a_relay_without_one() throws Exception {
    assertEquals(502, ask("anonymous").status());
    assertTrue(received.stream().noneMatch(r -> r.getHeaders().toString().contains("anonymous")));
  }

  @ParameterizedTest
  @CsvSource({
    "certificate, certificate, its TLS certificate is not trusted, 1",
    "expired, expired, its TLS certificate has expired or is not valid yet, 1",
    "identity, identity, its TLS certificate is for another host, 1",
    "proxy, proxy, its proxy gives no connection, 3",
    "absent, proxy, its proxy gives no connection, 3"
  })
  void a_fault_has_one_clear_cause(String pool, String cause, String text, int attempts)
      throws Exception {
    Answer answer = ask(pool);
    assertEquals(502, answer.status());
    assertTrue(
        answer.text().contains("provider " + pool + " cannot be reached: " + text), answer.text());
    assertEquals("" + attempts, answer.header("x-relay-attempts"));
    String series =
        "relay_upstream_unanswered_total{cause=\"%s\",pool=\"%s\"}".formatted(cause, pool);
    assertEquals(attempts, replicas.metric(0, series));
    Await.until(
        "a line in the log",
        () -> replicas.get(0).log().contains("provider " + pool + ": " + text + " ("));
    assertFalse(replicas.get(0).log().contains(PASSWORD));
  }

  @Test
  void a_proxy_that_asks_for_a_password_leads_to_a_host_that_only_it_knows() throws Exception {
    assertEquals(200, ask("far").status());
    String connect = "CONNECT far.test:" + mutual.getPort() + " HTTP/1.1\r\n";
    assertTrue(proxy.heads().stream().anyMatch(head -> head.startsWith(connect)));
    assertTrue(
        proxy.heads().stream().noneMatch(head -> head.contains(Setup.secret("far-1"))),
        "the proxy sees no request");
  }

  @Test
  void a_token_is_fetched_through_the_providers_proxy_and_by_its_authorities() throws Exception {
    Answer answer = ask("vertex");
    assertEquals(200, answer.status(), answer.text());
    RecordedRequest call =
        received.stream().filter(r -> r.getTarget().contains("p-1")).toList().getLast();
    assertEquals("Bearer t-1", call.getHeaders().get("authorization"));
    RecordedRequest fetch =
        received.stream().filter(r -> r.getTarget().equals("/token")).findFirst().orElseThrow();
    assertEquals("POST", fetch.getMethod());
    assertTrue(
        String.valueOf(fetch.getBody()).contains("grant_type"), String.valueOf(fetch.getBody()));
    assertNotNull(fetch.getHandshake());
  }

  @Test
  void each_address_of_a_name_is_tried() throws Exception {
    assertEquals(200, ask("twin").status()); // nothing listens on its first address
  }

  @Test
  void a_name_that_leads_elsewhere_is_found_there_without_a_restart() throws Exception {
    assertEquals(200, ask("moved").status());
    try (MockWebServer there = server(named("moved.test"), false, twin.getPort())) {
      file("hosts", HOSTS + "127.0.0.4 moved.test\n");
      twin.close(); // with its kept connections
      Await.until("an answer from there", () -> ask("moved").status() == 200);
      assertTrue(there.getRequestCount() > 0);
    }
  }
}
