package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;

/**
 * A provider whose bytes and connection ends are scripted by the test. Records received requests
 * byte for byte.
 */
final class RawProvider implements AutoCloseable {
  /** Answers one request. When it returns, the connection waits for the next request. */
  @FunctionalInterface
  interface Script {
    void answer(Received request, Connection connection) throws Exception;
  }

  /** A received request. */
  static final class Received {
    private final String line;
    private final List<String> headers;
    private final byte[] body;

    Received(String line, List<String> headers, byte[] body) {
      this.line = line;
      this.headers = List.copyOf(headers);
      this.body = body;
    }

    /** Method, target and version. */
    String line() {
      return line;
    }

    /** The other lines of the head. */
    List<String> headers() {
      return headers;
    }

    byte[] body() {
      return body;
    }

    @Nullable String header(String name) {
      return Answer.header(headers, name);
    }

    /** The provider key of the request. */
    String key() {
      String key = header("x-api-key");
      if (key != null) {
        return key;
      }
      String bearer = header("authorization");
      return bearer == null ? "" : bearer.substring("Bearer ".length());
    }

    String text() {
      return new String(body, ISO_8859_1);
    }

    boolean isFor(String model) {
      return text().contains("\"" + model + "\"");
    }
  }

  /** The connection of a request. */
  static class Connection {
    private final Socket socket;
    private final Socket tcp;
    private final OutputStream out;
    private final InputStream in;

    /**
     * @param tcp what carries the socket: the same without TLS
     */
    Connection(Socket socket, Socket tcp) throws IOException {
      this.socket = socket;
      this.tcp = tcp;
      out = socket.getOutputStream();
      in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
    }

    void write(byte[] bytes) throws IOException {
      out.write(bytes);
    }

    void write(String text) throws IOException {
      write(text.getBytes(ISO_8859_1));
    }

    /** Sends one chunk; an empty one ends the body. */
    void chunk(byte[] bytes) throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes((Integer.toHexString(bytes.length) + "\r\n").getBytes(ISO_8859_1));
      all.writeBytes(bytes);
      all.writeBytes("\r\n".getBytes(ISO_8859_1));
      write(all.toByteArray());
    }

    void chunk(String text) throws IOException {
      chunk(text.getBytes(ISO_8859_1));
    }

    Socket socket() {
      return socket;
    }

    /** What carries the socket; the same without TLS. */
    Socket tcp() {
      return tcp;
    }

    /** As a stream of HTTP/2. */
    Http2Exchange http2() {
      return (Http2Exchange) this;
    }

    /** Closes in an orderly way. */
    void close() throws IOException {
      socket.close();
    }

    /** Sends a TCP reset. */
    void reset() throws IOException {
      tcp.setSoLinger(true, 0);
      tcp.close();
    }

    /** Waits until the peer has closed the connection. */
    void awaitClosed() {
      try {
        while (in.read() >= 0) {
          // discard the bytes
        }
      } catch (IOException e) {
        // a reset counts as closed
      }
    }
  }

  private final ProviderWire wire;
  private final SSLSocketFactory tls;
  private final ServerSocket server;
  private final AtomicInteger connections = new AtomicInteger();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final Queue<Integer> streamWindows = new ConcurrentLinkedQueue<>();
  private volatile Script script;
  private volatile int mostStreams;

  RawProvider(Script script) throws IOException {
    this(ProviderWire.PLAIN, script);
  }

  RawProvider(ProviderWire wire, Script script) throws IOException {
    this(wire, ProviderWire.factory(), script);
  }

  /**
   * @param tls its certificate
   */
  RawProvider(ProviderWire wire, SSLSocketFactory tls, Script script) throws IOException {
    this.wire = wire;
    this.tls = tls;
    this.script = script;
    server = new ServerSocket(0, 256, InetAddress.ofLiteral("127.0.0.1"));
    Thread.ofVirtual().start(this::accept);
  }

  /** Answers everything as usual. */
  static RawProvider fine(Dialect dialect) throws IOException {
    return new RawProvider((_, connection) -> connection.write(Says.fine(dialect)));
  }

  /** Sets the script from the next request on. */
  void script(Script next) {
    script = next;
  }

  /** States a bound of streams on each HTTP/2 connection from now on. */
  RawProvider mostStreams(int most) {
    mostStreams = most;
    return this;
  }

  int port() {
    return server.getLocalPort();
  }

  String url() {
    return wire.url(port());
  }

  ProviderWire wire() {
    return wire;
  }

  /** Connections accepted so far. */
  int connections() {
    return connections.get();
  }

  /** Connections that are open now. */
  int openConnections() {
    return open.size();
  }

  /** The requests received so far, in order. */
  List<Received> received() {
    return List.copyOf(received);
  }

  /** The requests received so far for one model. */
  List<Received> received(String model) {
    return received.stream().filter(request -> request.isFor(model)).toList();
  }

  /** What each SETTINGS frame so far has allowed a stream of HTTP/2 to send ahead, in order. */
  List<Integer> streamWindows() {
    return List.copyOf(streamWindows);
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        open.add(socket);
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(Socket tcp) {
    try {
      tcp.setTcpNoDelay(true);
      Socket socket = wire.accepted(tcp, tls);
      if (wire == ProviderWire.TLS_H2) {
        Http2Exchange.serve(socket, tcp, mostStreams, streamWindows, this::answer);
      } else {
        serve(new Connection(socket, tcp));
      }
    } catch (Exception e) {
      // the peer closed the connection, as some tests intend
    }
  }

  private void answer(Received request, Connection connection) {
    received.add(request);
    try {
      script.answer(request, connection);
    } catch (Exception e) {
      // the peer closed the connection, as some tests intend
    }
  }

  private void serve(Connection connection) {
    Socket socket = connection.socket();
    try (socket) {
      while (!socket.isClosed()) {
        Received request = read(connection.in);
        if (request == null) {
          return;
        }
        received.add(request);
        script.answer(request, connection);
      }
    } catch (Exception e) {
      // the peer closed the connection, as some tests intend
    } finally {
      open.remove(connection.tcp);
    }
  }

  private static @Nullable Received read(InputStream in) throws IOException {
    String first = line(in);
    if (first == null) {
      return null;
    }
    List<String> headers = new ArrayList<>();
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      headers.add(line);
    }
    String length = Answer.header(headers, "content-length");
    byte[] body = length == null ? chunks(in, headers) : in.readNBytes(Integer.parseInt(length));
    return new Received(first, headers, body);
  }

  private static byte[] chunks(InputStream in, List<String> headers) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if (Answer.header(headers, "transfer-encoding") != null) {
      String size = line(in);
      while (size != null && !size.equals("0")) {
        body.writeBytes(in.readNBytes(Integer.parseInt(size, 16)));
        line(in);
        size = line(in);
      }
      line(in);
    }
    return body.toByteArray();
  }

  private static @Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return null;
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    return line.toString(ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
