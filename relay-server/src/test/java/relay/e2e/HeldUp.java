package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** A provider that reads no byte of a request until it may go on, and answers it with 201. */
final class HeldUp implements AutoCloseable {
  private final ServerSocket server = new ServerSocket();
  private final Semaphore mayGoOn = new Semaphore(0);
  private final AtomicInteger accepted = new AtomicInteger();
  private final AtomicInteger broken = new AtomicInteger();

  HeldUp() throws IOException {
    server.setReceiveBufferSize(64 * 1024); // the kernel takes no more either
    server.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  /** Connections so far. */
  int accepted() {
    return accepted.get();
  }

  /** Those of them that ended before their request. */
  int broken() {
    return broken.get();
  }

  /** Reads and answers one more request. */
  void goOn() {
    mayGoOn.release();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        accepted.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(Socket accepted) {
    try (Socket socket = accepted) {
      mayGoOn.acquire();
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        head.append((char) in.read());
      }
      String lines = head.toString().toLowerCase(Locale.ROOT);
      int at = lines.indexOf("content-length: ") + 16;
      in.skipNBytes(Long.parseLong(lines.substring(at, lines.indexOf('\r', at))));
      socket
          .getOutputStream()
          .write(
              "HTTP/1.1 201 Made\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                  .getBytes(ISO_8859_1));
      socket.shutdownOutput();
      var _ = in.read();
    } catch (IOException e) {
      broken.incrementAndGet();
    } catch (InterruptedException e) {
      // the test is over
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
