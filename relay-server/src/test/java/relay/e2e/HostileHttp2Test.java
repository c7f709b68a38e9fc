package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.HeaderBlock;
import relay.model.Dialect;

/**
 * HTTP/2 sends names and values with a length, so they may contain characters that end a line in
 * HTTP/1.1. Such requests must be refused.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileHttp2Test {
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final int HEADERS = 1;
  private static final int RESET = 3;
  private static final int SETTINGS = 4;
  private static final int GO_AWAY = 7;
  private static final int STATUS_200 = 0x88; // HPACK's static table

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .http2()
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);

  HostileHttp2Test() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(payload.length >> 16);
    frame.write(payload.length >> 8);
    frame.write(payload.length);
    frame.write(type);
    frame.write(flags);
    frame.writeBytes(new byte[] {0, 0, 0, (byte) stream});
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  private static byte[] request(String name, String value) {
    return request(name, value, Ask.body("anthropic", "").getBytes(ISO_8859_1));
  }

  private static byte[] request(String name, String value, byte[] body) {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put(":method", "POST");
    lines.put(":scheme", "http");
    lines.put(":authority", "relay.test");
    lines.put(":path", "/v1/messages");
    lines.put("x-api-key", Ask.CLIENT_KEY);
    lines.put("content-type", "application/json");
    lines.put(name, value);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(PREFACE.getBytes(ISO_8859_1));
    all.writeBytes(frame(SETTINGS, 0, 0, new byte[0]));
    all.writeBytes(frame(HEADERS, 4, 1, HeaderBlock.of(lines)));
    all.writeBytes(frame(0, 1, 1, body));
    return all.toByteArray();
  }

  /** Whether there is an answer and it is a good one. */
  private boolean isServed(byte[] request) throws IOException {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), replicas.port(0))) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request);
      DataInputStream in = new DataInputStream(socket.getInputStream());
      while (true) {
        int lengthAndType = in.readInt();
        byte[] rest = in.readNBytes(5 + (lengthAndType >>> 8));
        switch (lengthAndType & 0xff) {
          case HEADERS -> {
            return (rest[5] & 0xff) == STATUS_200;
          }
          case RESET, GO_AWAY -> {
            return false;
          }
          default -> {}
        }
      }
    } catch (IOException e) {
      return false; // closed
    }
  }

  @Test
  void a_good_request_is_served() throws Exception {
    assertServesGoodOnes();
  }

  private void assertServesGoodOnes() throws IOException {
    int before = provider.received().size();
    assertTrue(isServed(request("x-a", "b")));
    assertEquals(before + 1, provider.received().size());
    assertEquals("b", provider.received().getLast().header("x-a"));
  }

  @ParameterizedTest
  @CsvSource({
    "x-a,a|x-b: 1",
    "x-a,a^b",
    "x-a: 1|x-b,1",
    "transfer-encoding:chunked,1",
    "x:a,1",
    "x a,1",
    "x(a),1",
    "X-A,1",
    "'',1",
    "connection,x-api-key",
    "transfer-encoding,chunked",
    "content-length,5",
    "content-length,500",
    "content-length,9000",
    "content-length,abc",
    ":path,/v1/messages?a HTTP/1.1|x: y",
    ":path,/v1/messages?a b",
    ":path,http://evil.test/v1/messages",
    ":path,''",
    ":path,/v1/messages?a#b",
    ":method,POST /x",
    ":method,post",
    ":method,CONNECT",
    ":unknown,1"
  })
  void a_request_with_a_different_meaning_in_http_1_is_refused(String name, String value)
      throws Exception {
    int before = provider.received().size();
    String sent = value.replace("|", "\r\n").replace('^', '\0');
    assertTrue(!isServed(request(name.replace("|", "\r\n"), sent)), "it was served");
    assertEquals(before, provider.received().size());
    assertServesGoodOnes();
  }

  @Test
  void a_body_longer_than_announced_is_refused() throws Exception {
    byte[] body = (Ask.body("anthropic", "") + " ".repeat(9_000)).getBytes(ISO_8859_1);
    int before = provider.received().size();
    assertTrue(!isServed(request("content-length", "9000", body)), "it was served");
    assertTrue(isServed(request("content-length", Integer.toString(body.length), body)));
    assertEquals(before + 1, provider.received().size());
  }

  @Test
  void a_frame_larger_than_allowed_ends_the_connection() throws Exception {
    byte[] huge = (PREFACE + "\u00ff\u00ff\u00ff\0\0\0\0\0\1").getBytes(ISO_8859_1);
    assertTrue(!isServed(huge));
    assertServesGoodOnes();
  }
}
