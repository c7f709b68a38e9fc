package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static relay.edge.RawFrames.frame;

import io.undertow.server.HttpServerExchange;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.HeaderBlock;
import relay.guards.Await;
import relay.pipeline.ClientExchange.Body;
import relay.reach.FrameHead;

/**
 * Bodies over HTTP/2 that end early. Once Undertow has seen the head of a stream's last frame, it
 * does not tell the stream that its connection has ended: it reads 0 bytes from then on.
 */
class SharedBodyTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2); // longer than the test waits
  private static final int MAX_BYTES = 1_000_000;
  private static final int ANNOUNCED_BYTES = 500;
  private static final int FRAME_BYTES = 180; // less: Undertow has reset the stream already
  private static final int SETTINGS = 4;
  private static final int END_HEADERS = 4;
  private static final int END_STREAM = 1;

  private final BlockingQueue<Body> read = new LinkedBlockingQueue<>();
  private final BlockingQueue<Thread> readers = new LinkedBlockingQueue<>();
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);

  private void handle(HttpServerExchange exchange) {
    ClientBounds bounds = listener.bounds(PATIENCE);
    ClientClosing closing = ClientClosing.of(exchange);
    exchange.dispatch(
        listener.carriers().at(exchange.getIoThread()),
        () -> {
          readers.add(Thread.currentThread());
          read.add(BodyReader.read(exchange, closing, bounds, MAX_BYTES, null));
          exchange.getIoThread().execute(exchange::endExchange);
        });
  }

  /** The head of a request on stream 1. */
  private static byte[] head(boolean announced) {
    HeaderBlock lines =
        new HeaderBlock().line(":method", "POST").line(":scheme", "http").line(":path", "/");
    if (announced) {
      lines.line("content-length", String.valueOf(ANNOUNCED_BYTES));
    }
    byte[] block = lines.bytes();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1));
    out.writeBytes(frame(SETTINGS, 0, 0, 0, new byte[0]));
    out.writeBytes(frame(FrameHead.HEADERS, END_HEADERS, 1, block.length, block));
    return out.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_client_that_leaves_in_its_last_frame_ends_the_reading(boolean announced) throws Exception {
    try (Socket client = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port())) {
      client.getOutputStream().write(head(announced));
      Thread reader = readers.poll(20, TimeUnit.SECONDS);
      assertNotNull(reader, "the request begins");
      Await.until("it waits", () -> reader.getState() == Thread.State.TIMED_WAITING);
      byte[] half = new byte[FRAME_BYTES / 2];
      client.getOutputStream().write(frame(FrameHead.DATA, END_STREAM, 1, FRAME_BYTES, half));
    }
    assertInstanceOf(Body.Broken.class, read.poll(20, TimeUnit.SECONDS));
  }
}
