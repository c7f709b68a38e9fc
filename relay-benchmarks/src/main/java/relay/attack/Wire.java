package relay.attack;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Consumer;

/** A blocking HTTP/1.1 connection to a port on loopback. */
final class Wire implements AutoCloseable {
  private static final int TIMEOUT_MS = 30_000;
  private static final int MOST_LINE_BYTES = 64 << 10;

  private final Socket socket = new Socket();
  private final InputStream in;
  private long left; // of the body, or of its present chunk
  private boolean chunked;
  private boolean closes;
  private boolean whole;
  private String said = ""; // the last answer's first line

  /**
   * Connects.
   *
   * @param receiveBuffer bytes that this side takes unread; 0 = the system's default
   */
  Wire(int port, int receiveBuffer) throws IOException {
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(TIMEOUT_MS);
    socket.connect(loopback(port), TIMEOUT_MS);
    in = new BufferedInputStream(socket.getInputStream());
  }

  static InetSocketAddress loopback(int port) {
    return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
  }

  InputStream in() {
    return in;
  }

  OutputStream out() throws IOException {
    return socket.getOutputStream();
  }

  void send(byte[] bytes) throws IOException {
    out().write(bytes);
  }

  /** Closes with a reset instead of a FIN. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** Whether the server closes the connection after this answer. */
  boolean closes() {
    return closes;
  }

  /** Reads the head of an answer; its status. */
  int head() throws IOException {
    String status = line(in);
    if (!status.matches("HTTP/1\\.1 \\d{3}.*")) {
      throw new IOException("not an answer: " + status);
    }
    left = 0;
    chunked = false;
    closes = false;
    whole = false;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        left = Long.parseLong(lower.substring(lower.indexOf(':') + 1).strip());
      } else if (lower.equals("transfer-encoding: chunked")) {
        chunked = true;
      } else if (lower.equals("connection: close")) {
        closes = true;
      }
    }
    return Integer.parseInt(status.substring(9, 12));
  }

  private int read() throws IOException {
    if (left == 0 && chunked && !whole) {
      left = Long.parseLong(line(in), 16);
      if (left == 0) {
        whole = true;
        line(in);
      }
    }
    if (left == 0) {
      return -1;
    }
    int b = in.read();
    if (b < 0) {
      throw new EOFException("an answer broke off");
    }
    if (--left == 0 && chunked) {
      line(in);
    }
    return b;
  }

  /** Reads the body of the answer, line by line. */
  void body(Consumer<String> lines) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = read(); b >= 0; b = read()) {
      if (b == '\n') {
        lines.accept(line.toString());
        line.setLength(0);
      } else {
        line.append((char) b);
      }
    }
    if (!line.isEmpty()) {
      lines.accept(line.toString());
    }
  }

  /** The first line of the body of the last {@link #answer}. */
  String said() {
    return said;
  }

  /** Reads a whole answer; its status. */
  int answer() throws IOException {
    int status = head();
    said = "";
    body(line -> said = said.isEmpty() ? line : said);
    return status;
  }

  /** A line that ends with LF or CRLF, without its end. */
  static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 || line.size() > MOST_LINE_BYTES) {
        throw new EOFException("the connection was closed");
      }
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // closed either way
    }
  }
}
