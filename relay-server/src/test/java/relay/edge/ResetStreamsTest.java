package relay.edge;

import static relay.edge.RawFrames.frame;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import java.io.ByteArrayOutputStream;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.HeaderBlock;
import relay.guards.Await;
import relay.reach.FrameHead;

/** Streams that were reset leave nothing in memory while their connection is open. */
class ResetStreamsTest {
  private static final int STREAMS = 20;
  private static final int SETTINGS = 4;
  private static final int END_HEADERS = 4;

  /** The newest head may still be the decoder's. */
  private static final int NEWEST = 1;

  private final Queue<WeakReference<HeaderMap>> heads = new ConcurrentLinkedQueue<>();
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);

  private void handle(HttpServerExchange exchange) {
    heads.add(new WeakReference<>(exchange.getRequestHeaders()));
    exchange.endExchange();
  }

  @Test
  void the_heads_of_reset_streams_are_garbage() throws Exception {
    byte[] block =
        new HeaderBlock()
            .line(":method", "POST")
            .line(":scheme", "http")
            .line(":path", "/")
            .line("x-a", "a".repeat(10_000))
            .bytes();
    try (Socket client = listener.connect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(frame(SETTINGS, 0, 0, new byte[0]));
      for (int n = 0; n < STREAMS; n++) {
        int stream = 2 * n + 1;
        all.writeBytes(frame(FrameHead.HEADERS, END_HEADERS, stream, block));
        all.writeBytes(frame(FrameHead.RST_STREAM, 0, stream, new byte[4]));
      }
      client.getOutputStream().write(all.toByteArray());
      Await.until("all requests begin", () -> heads.size() == STREAMS);
      Await.until("their heads are garbage", this::areGarbage);
    }
  }

  private boolean areGarbage() {
    System.gc();
    return heads.stream().filter(head -> head.get() != null).count() <= NEWEST;
  }
}
