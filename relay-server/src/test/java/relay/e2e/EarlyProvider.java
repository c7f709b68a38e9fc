package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;

/** A provider that answers before it reads the body, and keeps the connection open. */
final class EarlyProvider implements AutoCloseable {
  private final ServerSocket server;
  private final String answer;
  private final CountDownLatch over;

  /**
   * @param over ends its connections
   */
  EarlyProvider(String answer, CountDownLatch over) throws IOException {
    this.answer = answer;
    this.over = over;
    server = new ServerSocket();
    server.setReceiveBufferSize(8 * 1024);
    server.bind(new java.net.InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      var _ = socket.getInputStream().read();
      socket.getOutputStream().write(answer.getBytes(ISO_8859_1));
      over.await();
    } catch (IOException | InterruptedException e) {
      // the peer closed the connection
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
