package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 client connection that shows every received byte and how an answer ends. Blocking;
 * reads time out after 20 s.
 */
final class RawClient implements AutoCloseable {
  private static final int READ_TIMEOUT_MS = 60_000;
  private static final int UNTIL_CLOSE = -1;
  private static final int CHUNKED = -2;

  private final Socket socket;
  private final InputStream in;
  private int status;
  private List<String> headers = List.of();
  private int left; // remaining bytes of the body or the current chunk
  private int kind;
  private boolean ended;

  RawClient(int port) throws IOException {
    this(port, 0);
  }

  /** {@code receiveBuffer} bounds the unread bytes on this side; 0 = the system's default. */
  RawClient(int port, int receiveBuffer) throws IOException {
    socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(READ_TIMEOUT_MS);
    socket.connect(new java.net.InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
  }

  /** Sends a request over a new connection. */
  static Answer ask(int port, Ask ask) throws IOException {
    try (RawClient wire = new RawClient(port)) {
      return wire.send(ask).answer();
    }
  }

  RawClient send(Ask ask) throws IOException {
    return send(ask.bytes());
  }

  RawClient send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    return this;
  }

  /** Sends a FIN, and still reads. */
  RawClient finish() throws IOException {
    socket.shutdownOutput();
    return this;
  }

  /** Reads the status line and the header lines of the next answer. */
  RawClient head() throws IOException {
    String line = line();
    status = Integer.parseInt(line.split(" ", 3)[1]);
    List<String> lines = new ArrayList<>();
    for (line = line(); !line.isEmpty(); line = line()) {
      lines.add(line);
    }
    headers = List.copyOf(lines);
    String length = Answer.header(headers, "content-length");
    ended = false;
    if (Answer.header(headers, "transfer-encoding") != null) {
      kind = CHUNKED;
      left = 0;
    } else if (length != null) {
      kind = 0;
      left = Integer.parseInt(length);
    } else {
      kind = UNTIL_CLOSE;
    }
    return this;
  }

  int status() {
    return status;
  }

  @Nullable String header(String name) {
    return Answer.header(headers, name);
  }

  /** Reads at least one byte of the body; -1 at its regular end. */
  int read(byte[] buffer) throws IOException {
    if (kind == UNTIL_CLOSE) {
      return in.read(buffer);
    }
    if (kind == CHUNKED && left == 0 && !ended) {
      left = Integer.parseInt(line().strip(), 16);
      if (left == 0) {
        line();
        ended = true;
      }
    }
    if (left == 0) {
      return -1;
    }
    int n = in.read(buffer, 0, Math.min(buffer.length, left));
    if (n < 0) {
      throw new EOFException("the answer broke off");
    }
    left -= n;
    if (kind == CHUNKED && left == 0) {
      line();
    }
    return n;
  }

  /** Reads until the bytes of this call end with a text. */
  String readTo(String end) throws IOException {
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    byte[] one = new byte[1];
    while (!seen.toString(UTF_8).endsWith(end)) {
      if (read(one) < 0) {
        throw new EOFException("the answer ended with: " + seen.toString(UTF_8));
      }
      seen.write(one[0]);
    }
    return seen.toString(UTF_8);
  }

  /** Reads the rest of the body, complete or not. */
  Answer rest() {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    byte[] buffer = new byte[16 * 1024];
    boolean whole = true;
    try {
      for (int n = read(buffer); n >= 0; n = read(buffer)) {
        body.write(buffer, 0, n);
      }
    } catch (IOException | NumberFormatException e) {
      whole = false;
    }
    return new Answer(status, headers, body.toByteArray(), whole);
  }

  /** Reads a whole answer. */
  Answer answer() throws IOException {
    head();
    return rest();
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the connection was closed after: " + line.toString(ISO_8859_1));
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    return line.toString(ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
