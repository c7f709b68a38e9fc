package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.Undertow;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class ClientDisconnectWatchTest {
  private static final int REQUESTS = 20;

  @Test
  void a_kept_alive_connection_retains_nothing_of_its_earlier_requests() throws IOException {
    List<WeakReference<byte[]>> held = new CopyOnWriteArrayList<>();
    Undertow server =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(
                exchange -> {
                  byte[] body = new byte[50_000];
                  held.add(new WeakReference<>(body));
                  ClientDisconnectWatch.on(exchange, ClientClosing.of(exchange), () -> body[0]++);
                  exchange.getResponseSender().send("ok");
                })
            .build();
    server.start();
    try {
      int port = ((InetSocketAddress) server.getListenerInfo().getFirst().getAddress()).getPort();
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
        for (int n = 0; n < REQUESTS; n++) {
          client
              .getOutputStream()
              .write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
          StringBuilder answer = new StringBuilder();
          while (!answer.toString().endsWith("\r\n\r\nok")) {
            int b = client.getInputStream().read();
            assertTrue(b >= 0, "the connection was closed after: " + answer);
            answer.append((char) b);
          }
        }
        assertEquals(REQUESTS, held.size());
        // The connection is still open, and may retain its last request.
        assertTrue(collected(held) >= REQUESTS - 1, collected(held) + " of " + REQUESTS);
      }
    } finally {
      server.stop();
    }
  }

  private static long collected(List<WeakReference<byte[]>> held) {
    long gone = 0;
    for (int round = 0; round < 20 && gone < REQUESTS - 1; round++) {
      System.gc();
      gone = held.stream().filter(reference -> reference.refersTo(null)).count();
    }
    return gone;
  }
}
