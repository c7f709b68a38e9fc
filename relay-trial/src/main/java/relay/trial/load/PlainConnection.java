package relay.trial.load;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One keep-alive HTTP/1.1 connection, blocking, for virtual threads. The load shares the cores with
 * the replicas that it measures, and this costs a tenth of a general client.
 */
public final class PlainConnection implements AutoCloseable {
  private static final int CONNECT_TIMEOUT_MS = 2_000;
  private static final int READ_TIMEOUT_MS = 20_000;
  private static final int MAX_LINE = 16_384;
  private static final int MAX_HEADERS = 200;
  private static final int MAX_BODY = 8 << 20;

  /**
   * A whole answer.
   *
   * @param headers by lower-case name; of several with the same name the last
   * @param bodyEnd the last bytes of the body as text; all of a small one
   */
  public record Answer(int status, Map<String, String> headers, String bodyEnd) {

    /** Empty when the answer does not have it. */
    public String header(String name) {
      return headers.getOrDefault(name, "");
    }
  }

  private final Socket socket;
  private final InputStream in;
  private final byte[] tail;
  private int tailLength;

  /** {@code keepBytes}: the least size of {@link Answer#bodyEnd}, if the body is as long. */
  public PlainConnection(InetSocketAddress address, int keepBytes) throws IOException {
    tail = new byte[2 * keepBytes];
    socket = new Socket();
    try {
      socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
      socket.setSoTimeout(READ_TIMEOUT_MS);
      socket.connect(address, CONNECT_TIMEOUT_MS);
      in = new BufferedInputStream(socket.getInputStream(), 8192);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** Sends a whole request and reads the whole answer. The connection is then free for the next. */
  public Answer exchange(byte[] request) throws IOException {
    socket.getOutputStream().write(request);
    String[] status = line().split(" ", 3);
    Map<String, String> headers = new HashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      if (colon < 1 || headers.size() >= MAX_HEADERS) {
        throw new IOException("not an HTTP header: " + line);
      }
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    tailLength = 0;
    if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
      for (int size = chunkSize(); size > 0; size = chunkSize()) {
        body(size);
        line();
      }
      line();
    } else {
      body(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    }
    return new Answer(
        Integer.parseInt(status[1]),
        headers,
        new String(tail, 0, tailLength, StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // the last answer was read
    }
  }

  private int chunkSize() throws IOException {
    return Integer.parseInt(line().strip(), 16);
  }

  private void body(int bytes) throws IOException {
    if (bytes > MAX_BODY) {
      throw new IOException("an answer of more than " + MAX_BODY + " bytes");
    }
    for (int left = bytes; left > 0; ) {
      if (tailLength == tail.length) { // keep the second half
        System.arraycopy(tail, tail.length / 2, tail, 0, tail.length / 2);
        tailLength = tail.length / 2;
      }
      int read = in.read(tail, tailLength, Math.min(left, tail.length - tailLength));
      if (read < 0) {
        throw new EOFException("the answer ended early");
      }
      tailLength += read;
      left -= read;
    }
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder(64);
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the connection ended early");
      }
      if (line.length() >= MAX_LINE) {
        throw new IOException("a line of more than " + MAX_LINE + " bytes");
      }
      line.append((char) c);
    }
    if (!line.isEmpty() && line.charAt(line.length() - 1) == '\r') {
      line.setLength(line.length() - 1);
    }
    return line.toString();
  }
}
