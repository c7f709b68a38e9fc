package relay.upstream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import okhttp3.HttpUrl;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.BufferedSocketKt;
import okhttp3.internal.http2.Header;
import okhttp3.internal.http2.Http2Connection;
import okhttp3.internal.http2.Http2Stream;
import okhttp3.internal.http2.Settings;
import okio.Buffer;

/** An HTTP/2 server that states a bound of streams, late, and counts what it gets at once. */
final class StreamServer implements AutoCloseable {
  private static final long LATE_NANOS = 100_000_000;

  private final SSLSocketFactory tls;
  private final int allowed;
  private final String answer;
  private final ServerSocket port = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicInteger mostAtOnce = new AtomicInteger();

  StreamServer(SSLSocketFactory tls, int allowed, String answer) throws IOException {
    this.tls = tls;
    this.allowed = allowed;
    this.answer = answer;
    Thread.ofVirtual().start(this::accept);
  }

  HttpUrl url() {
    return HttpUrl.get("https://localhost:" + port.getLocalPort() + "/");
  }

  int connections() {
    return connections.get();
  }

  int answered() {
    return answered.get();
  }

  int mostAtOnce() {
    return mostAtOnce.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = port.accept();
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException e) {
      return; // closed
    }
  }

  private void serve(Socket tcp) {
    try {
      SSLSocket socket = (SSLSocket) tls.createSocket(tcp, "localhost", tcp.getPort(), true);
      socket.setUseClientMode(false);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      Http2Connection connection =
          new Http2Connection.Builder(false, TaskRunner.INSTANCE)
              .socket(BufferedSocketKt.asBufferedSocket(socket), "test")
              .listener(new Answers())
              .build();
      connection.getOkHttpSettings().set(Settings.MAX_CONCURRENT_STREAMS, allowed);
      LockSupport.parkNanos(LATE_NANOS);
      connection.start(true);
    } catch (IOException e) {
      return; // the client has left
    }
  }

  private final class Answers extends Http2Connection.Listener {
    @Override
    public void onStream(Http2Stream stream) throws IOException {
      mostAtOnce.accumulateAndGet(stream.getConnection().openStreamCount(), Math::max);
      LockSupport.parkNanos(LATE_NANOS);
      stream.writeHeaders(List.of(new Header(":status", "200")), false, false);
      Buffer body = new Buffer().writeUtf8(answer);
      answered.incrementAndGet();
      stream.getSink().write(body, body.size());
      stream.getSink().close();
    }
  }

  @Override
  public void close() throws IOException {
    port.close();
  }
}
