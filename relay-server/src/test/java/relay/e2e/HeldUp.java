package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/** A provider that reads no byte of a request until it may go on, and answers it with 201. */
final class HeldUp implements AutoCloseable {
  private final ServerSocket server = new ServerSocket(0, 8, InetAddress.ofLiteral("127.0.0.1"));
  private final CountDownLatch mayGoOn = new CountDownLatch(1);

  HeldUp() throws IOException {
    Thread.ofVirtual().start(this::serve);
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  void goOn() {
    mayGoOn.countDown();
  }

  private void serve() {
    try (Socket socket = server.accept()) {
      mayGoOn.await();
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        head.append((char) in.read());
      }
      String lengthLine = head.toString().toLowerCase(Locale.ROOT);
      int at = lengthLine.indexOf("content-length: ") + 16;
      in.skipNBytes(Long.parseLong(lengthLine.substring(at, lengthLine.indexOf('\r', at))));
      socket
          .getOutputStream()
          .write("HTTP/1.1 201 Made\r\ncontent-length: 0\r\n\r\n".getBytes(ISO_8859_1));
      var _ = in.read();
    } catch (IOException | InterruptedException e) {
      // the test is over
    }
  }

  @Override
  public void close() throws IOException {
    goOn();
    server.close();
  }
}
