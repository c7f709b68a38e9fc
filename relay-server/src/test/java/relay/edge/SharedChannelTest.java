package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.edge.RawFrames.frame;

import io.undertow.UndertowOptions;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.xnio.OptionMap;
import relay.HeaderBlock;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.reach.FrameHead;

/** Which of a server's frames let a client send more of those that carry no request. */
class SharedChannelTest {
  private static final int SETTINGS = 4;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final long NOW = System.nanoTime(); // no time passes, which would allow frames

  private final FrameAllowance allowance = new FrameAllowance(NOW);
  private final Http2Port http2 =
      new Http2Port(new Buffers(16 * 1024), OptionMap.create(UndertowOptions.ENABLE_HTTP2, true));
  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);

  @Test
  void a_receipt_for_settings_allows_no_frame_and_an_answer_does() throws Exception {
    http2.setRootHandler(exchange -> exchange.setStatusCode(204));
    ClientPort port =
        carriers.listen(
            new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0),
            8,
            connection -> http2.open(connection, null, allowance, StreamAccount.NONE));
    try (Socket client = new Socket(InetAddress.ofLiteral("127.0.0.1"), port.address().getPort())) {
      assertTrue(allowance.permits(0, FrameAllowance.MOST, NOW), "it begins with all");
      DataInputStream in = new DataInputStream(client.getInputStream());
      ByteArrayOutputStream first = new ByteArrayOutputStream();
      first.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1));
      for (int n = 0; n < 10; n++) {
        first.writeBytes(frame(SETTINGS, 0, 0, new byte[0]));
      }
      client.getOutputStream().write(first.toByteArray());
      for (int receipts = 0; receipts < 10; ) {
        Head head = next(in);
        receipts += head.type == SETTINGS && head.flags == ACK ? 1 : 0;
      }
      assertFalse(allowance.permits(0, 1, NOW), "a receipt allowed a frame");

      assertTrue(allowance.permits(1, 0, NOW), "the request pays for what was too much");
      byte[] request =
          new HeaderBlock()
              .line(":method", "GET")
              .line(":scheme", "http")
              .line(":path", "/")
              .bytes();
      client
          .getOutputStream()
          .write(frame(FrameHead.HEADERS, END_STREAM | END_HEADERS, 1, request));
      Head head = next(in);
      while (head.type != FrameHead.HEADERS) {
        head = next(in);
      }
      assertEquals(1, head.stream);
      assertTrue(allowance.permits(0, 8 - 1 + 4, NOW), "an answer allows frames");
    } finally {
      port.close();
      http2.closeConnections();
    }
  }

  private record Head(int type, int flags, int stream) {}

  /** Reads a whole frame. */
  private static Head next(DataInputStream in) throws IOException {
    int lengthAndType = in.readInt();
    Head head = new Head(lengthAndType & 0xff, in.readUnsignedByte(), in.readInt());
    in.skipNBytes(lengthAndType >>> 8);
    return head;
  }
}
