package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.edge.RawFrames.frame;

import io.undertow.server.HttpServerExchange;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.HeaderBlock;
import relay.memory.MemoryBudget;
import relay.reach.FrameHead;

/** Others have used up the memory: an HTTP/2 connection that has shown a credential goes on. */
class SharedConnectionMemoryTest {
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int END_HEADERS = 4;
  private static final int END_STREAM = 1;
  private static final int REQUESTS = 100; // several times what is read in a turn

  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::answer);
  private final MemoryBudget memory = listener.bounds(Duration.ZERO).memory().budget();
  private Socket client;
  private DataInputStream answers;
  private int stream = -1;

  private void answer(HttpServerExchange exchange) {
    ClientClosing.of(exchange);
    new Judgement(exchange).trust();
    exchange.endExchange();
  }

  @BeforeEach
  void connect() throws IOException {
    client = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
    client.setTcpNoDelay(true);
    client.setSoTimeout(20_000);
    answers = new DataInputStream(client.getInputStream());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1));
    out.writeBytes(frame(SETTINGS, 0, 0, new byte[0]));
    out.writeBytes(request());
    client.getOutputStream().write(out.toByteArray());
    readAnswer();
    while (memory.takeForNewcomer(1024)) {
      // others
    }
  }

  @AfterEach
  void leave() throws IOException {
    client.close();
  }

  private byte[] request() {
    stream += 2;
    byte[] block =
        new HeaderBlock()
            .line(":method", "GET")
            .line(":scheme", "http")
            .line(":path", "/")
            .line("x-pad", "x".repeat(70))
            .bytes();
    return frame(FrameHead.HEADERS, END_HEADERS | END_STREAM, stream, block);
  }

  private void readAnswer() throws IOException {
    readUntil(FrameHead.HEADERS, stream);
  }

  private void readUntil(int wanted, int ofStream) throws IOException {
    while (true) {
      int lengthAndType = answers.readInt();
      answers.readUnsignedByte();
      int of = answers.readInt();
      answers.readNBytes(lengthAndType >>> 8);
      int type = lengthAndType & 0xff;
      assertTrue(type != FrameHead.GO_AWAY && type != FrameHead.RST_STREAM, "refused: " + type);
      if (type == wanted && of == ofStream) {
        return;
      }
    }
  }

  @Test
  void small_requests_are_answered() throws IOException {
    for (int n = 0; n < REQUESTS; n++) {
      client.getOutputStream().write(request());
      readAnswer();
    }
  }

  @Test
  void a_head_that_arrives_in_two_parts_is_answered() throws IOException {
    byte[] request = request();
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    first.writeBytes(frame(PING, 0, 0, new byte[8]));
    first.write(request, 0, request.length / 2);
    client.getOutputStream().write(first.toByteArray());
    readUntil(PING, 0); // both were read at once
    client
        .getOutputStream()
        .write(request, request.length / 2, request.length - request.length / 2);
    readAnswer();
  }
}
