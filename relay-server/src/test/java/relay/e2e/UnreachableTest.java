package relay.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.LocalTls;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;

/** Why a provider gives no answer: for the client, in the metrics and in the log. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UnreachableTest {
  private final RawProvider provider = new RawProvider(this::answer);
  private final MockWebServer untrusted = new MockWebServer();
  private final ServerSocket plain = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
  private final Replicas replicas;

  UnreachableTest() throws Exception {
    untrusted.useHttps(new LocalTls().server());
    untrusted.start(InetAddress.ofLiteral("127.0.0.1"), 0);
    Thread.ofVirtual().start(this::answerInPlainText);
    String silent = provider.url().replace("http:", "https:"); // it waits for the end of a line
    Setup setup = new Setup().server("connect_timeout_ms: 3000");
    unreached(setup, "refused", "http://127.0.0.1:" + LoopbackPorts.free(1)[0]);
    unreached(setup, "none", "http://127.0.0.1:" + LoopbackPorts.free(1)[0]);
    unreached(setup, "name", "http://name.invalid");
    unreached(setup, "timeout", silent);
    unreached(setup, "tls", "https://127.0.0.1:" + plain.getLocalPort());
    unreached(setup, "certificate", "https://localhost:" + untrusted.getPort());
    unreached(setup, "connection", provider.url());
    unreached(setup, "local", provider.url());
    replicas = setup.start(1);
  }

  private static void unreached(Setup setup, String kind, String url) {
    setup.provider(
        unreached(kind),
        Dialect.ANTHROPIC,
        url,
        List.of("max_attempts: 1"),
        List.of(Setup.key(kind + "-1")));
  }

  private void answerInPlainText() {
    try {
      while (true) {
        try (Socket socket = plain.accept()) {
          socket.getOutputStream().write("HTTP/1.1 400 No TLS\r\n\r\n".getBytes(US_ASCII));
        }
      }
    } catch (IOException e) {
      // closed
    }
  }

  private static String unreached(String kind) {
    return "to-" + kind;
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
    untrusted.close();
    plain.close();
  }

  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws Exception {
    if (request.isFor(unreached("connection"))) {
      connection.reset();
    } else {
      connection.write(Says.fine(Dialect.ANTHROPIC));
      connection.close();
    }
  }

  private double unanswered(String pool, String cause) throws Exception {
    String series =
        "relay_upstream_unanswered_total{cause=\"%s\",pool=\"%s\"} ".formatted(cause, pool);
    return replicas
        .admin(0, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
        .findAny()
        .orElse(-1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          name        | its host name does not resolve
          refused     | it refuses connections
          timeout     | no connection in time
          tls         | the TLS handshake failed
          certificate | its TLS certificate is not trusted
          connection  | the connection broke
          """)
  void the_cause_is_in_the_error_the_metric_and_the_log(String cause, String text)
      throws Exception {
    String pool = unreached(cause);
    assertEquals(0, unanswered(pool, cause));
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, pool));
    assertEquals(502, answer.status());
    String message = answer.json().get("error").get("message").asText();
    assertEquals("provider " + pool + " cannot be reached: " + text, message);
    assertTrue(unanswered(pool, cause) >= 1);
    Await.until(
        "a line in the log",
        Duration.ofSeconds(10),
        () -> replicas.get(0).log().contains("provider " + pool + ": " + text + " ("));
    List<String> lines =
        replicas.get(0).log().lines().filter(line -> line.contains(pool + ": ")).toList();
    assertEquals(1, lines.size(), lines.toString());
    assertTrue(lines.getFirst().toLowerCase(Locale.ROOT).contains("warn"));
    assertFalse(replicas.get(0).log().contains(Setup.secret(cause + "-1")));
  }

  /** Limits the descriptors that the replica may open; those that are open stay. */
  private void descriptors(String soft) throws Exception {
    long pid = replicas.get(0).pid();
    Process process =
        new ProcessBuilder("prlimit", "--pid", "" + pid, "--nofile=" + soft).inheritIO().start();
    assertEquals(0, process.waitFor());
  }

  @Test
  void a_replica_without_descriptors_blames_itself_and_not_the_provider() throws Exception {
    String pool = unreached("local");
    Await.until( // loads the classes of both errors
        "the other provider's breaker is open",
        () ->
            RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, unreached("none"))).status()
                == 529);
    try (RawClient kept = new RawClient(replicas.port(0))) {
      assertEquals(200, kept.send(Ask.of(Dialect.ANTHROPIC, pool)).answer().status());
      descriptors("1:");
      try {
        for (int n = 0; n < 12; n++) {
          Answer failed = kept.send(Ask.of(Dialect.ANTHROPIC, pool)).answer();
          Errors.relays(failed, Dialect.ANTHROPIC, 529, "overloaded_error");
          assertEquals("1", failed.header("retry-after"));
          assertTrue(
              failed.text().contains("this replica has no free file descriptor"), failed.text());
        }
      } finally {
        descriptors("1024:");
      }
      assertEquals(200, kept.send(Ask.of(Dialect.ANTHROPIC, pool)).answer().status());
    }
    assertEquals(12, unanswered(pool, "local"));
  }
}
