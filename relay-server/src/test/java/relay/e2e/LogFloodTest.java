package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/**
 * Nothing that a client sends without a credential writes a stack trace or many lines to the log.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LogFloodTest {
  private static final int TIMES = 20;
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final String SETTINGS = "\0\0\0\4\0\0\0\0\0";

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .http2()
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);

  LogFloodTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static final List<String> ATTACKS =
      List.of(
          "PRI * HTTP/2.0\r\nx: y\r\n\r\nSM\r\n\r\n",
          "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
          "PRI * HTTP/2.0\r\n\r\nS",
          "GET / HTTP/1.1\r\nhost: a\r\n\r\n" + PREFACE + SETTINGS,
          "P",
          PREFACE,
          PREFACE + SETTINGS,
          PREFACE + SETTINGS + "\0\0\5",
          PREFACE + SETTINGS + "\0\0\5\0\0\0\0\0\1abc",
          PREFACE + "\0\0\0\0\0\0\0\0\0",
          PREFACE + SETTINGS + "\0\0\1\1\4\0\0\0\1\377",
          PREFACE + SETTINGS + "\0\0\7\1\4\0\0\0\1\0\3a\nb\1x",
          PREFACE + SETTINGS + "\0\0\4\10\0\0\0\0\0\0\0\0\0",
          PREFACE + SETTINGS + "\0\0\4\11\0\0\0\0\1\0\0\0\0",
          PREFACE + "\377\377\377\0\0\0\0\0\1",
          "\0\0\0",
          "GET / HTTP/9.9\r\n\r\n",
          "GET / HTTP/1.1\r\nbad header\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nhost: a\r\n\r\n",
          "POST /v1/messages HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
          "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");

  private void attack(String bytes) throws Exception {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), replicas.port(0))) {
      socket.setSoTimeout(30);
      socket.getOutputStream().write(bytes.getBytes(ISO_8859_1));
      while (socket.getInputStream().read() >= 0) {
        // until the replica has answered
      }
    } catch (IOException e) {
      // closed, or nothing follows
    }
  }

  @Test
  void malformed_connections_write_no_log() throws Exception {
    assertServes();
    String before = replicas.get(0).log();
    for (String bytes : ATTACKS) {
      for (int n = 0; n < TIMES; n++) {
        attack(bytes);
      }
    }
    assertServes();
    String log = replicas.get(0).log().substring(before.length());
    assertFalse(log.contains("\tat "), log);
    assertTrue(log.lines().count() < TIMES, log);
  }

  private void assertServes() throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
    assertEquals(200, RawClient.ask(replicas.port(0), ask).status());
  }
}
