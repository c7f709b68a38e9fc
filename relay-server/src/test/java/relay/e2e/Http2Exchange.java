package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import okhttp3.Headers;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.BufferedSocketKt;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.Header;
import okhttp3.internal.http2.Http2Connection;
import okhttp3.internal.http2.Http2Stream;
import okhttp3.internal.http2.Settings;
import okio.Buffer;

/**
 * A stream of HTTP/2 that takes what a script writes as HTTP/1.1: heads become HEADERS, chunks and
 * bodies become DATA, and what is cut off there is cut off within a frame here.
 */
final class Http2Exchange extends RawProvider.Connection {
  private static final long POLL_NANOS = 2_000_000;
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final byte[] NO_BYTES = {};

  private final Http2Connection connection;
  private final Http2Stream stream;
  private final ByteArrayOutputStream head = new ByteArrayOutputStream();
  private boolean headSent;
  private boolean chunked;
  private long left;

  private Http2Exchange(Http2Connection connection, Http2Stream stream, Socket socket, Socket tcp)
      throws IOException {
    super(socket, tcp);
    this.connection = connection;
    this.stream = stream;
  }

  /** Answers the streams of a connection until it ends. */
  interface Requests {
    void answer(RawProvider.Received request, Http2Exchange exchange);
  }

  /**
   * @param mostStreams the bound to state; 0 = none
   * @param streamWindows gets what the client allows a stream to send ahead, after each SETTINGS
   */
  static void serve(
      Socket socket, Socket tcp, int mostStreams, Queue<Integer> streamWindows, Requests requests)
      throws IOException {
    Http2Connection.Listener listener =
        new Http2Connection.Listener() {
          @Override
          public void onSettings(Http2Connection changed, Settings peers) {
            streamWindows.add(peers.getInitialWindowSize());
          }

          @Override
          public void onStream(Http2Stream stream) throws IOException {
            Http2Exchange exchange = new Http2Exchange(stream.getConnection(), stream, socket, tcp);
            requests.answer(received(stream), exchange);
          }
        };
    Http2Connection connection =
        new Http2Connection.Builder(false, TaskRunner.INSTANCE)
            .socket(BufferedSocketKt.asBufferedSocket(socket), "test")
            .listener(listener)
            .build();
    if (mostStreams > 0) {
      connection.getOkHttpSettings().set(Settings.MAX_CONCURRENT_STREAMS, mostStreams);
    }
    connection.start(true);
  }

  private static RawProvider.Received received(Http2Stream stream) throws IOException {
    Headers headers = stream.takeHeaders(false);
    List<String> lines = new ArrayList<>();
    for (int n = 0; n < headers.size(); n++) {
      if (!headers.name(n).startsWith(":")) {
        lines.add(headers.name(n) + ": " + headers.value(n));
      }
    }
    Buffer body = new Buffer();
    body.writeAll(stream.getSource());
    return new RawProvider.Received(
        headers.get(":method") + " " + headers.get(":path") + " HTTP/2",
        lines,
        body.readByteArray());
  }

  @Override
  void write(byte[] bytes) throws IOException {
    if (headSent && chunked) {
      cutFrame(DATA, bytes); // no whole chunk
    } else if (headSent) {
      data(bytes);
    } else {
      head.writeBytes(bytes);
      String text = head.toString(ISO_8859_1);
      int end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        sendHead(text.substring(0, end).split("\r\n", -1));
        if (headSent) {
          data(text.substring(end + 4).getBytes(ISO_8859_1));
        }
      }
    }
  }

  private void sendHead(String[] lines) throws IOException {
    List<Header> headers = new ArrayList<>();
    headers.add(new Header(":status", lines[0].split(" ", -1)[1]));
    left = Long.MAX_VALUE;
    for (int n = 1; n < lines.length; n++) {
      String name = lines[n].substring(0, lines[n].indexOf(':')).toLowerCase(Locale.ROOT);
      String value = lines[n].substring(lines[n].indexOf(':') + 1).strip();
      if (name.equals("transfer-encoding")) {
        chunked = true;
      } else if (!name.equals("connection")) {
        headers.add(new Header(name, value));
      }
      if (name.equals("content-length")) {
        left = Long.parseLong(value);
      }
    }
    headSent = !headers.getFirst().value.utf8().startsWith("1"); // else the final one follows
    head.reset();
    stream.writeHeaders(headers, left == 0, true);
  }

  private void data(byte[] bytes) throws IOException {
    stream.getSink().write(new Buffer().write(bytes), bytes.length);
    left -= bytes.length;
    if (!chunked && left <= 0 && bytes.length > 0) {
      stream.getSink().close();
    } else {
      stream.getSink().flush();
    }
  }

  @Override
  void chunk(byte[] bytes) throws IOException {
    if (bytes.length == 0) {
      stream.getSink().close();
    } else {
      data(bytes);
    }
  }

  /** The beginning of a frame that states more bytes. */
  private void cutFrame(int type, byte[] bytes) throws IOException {
    connection.flush();
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    int length = bytes.length + 100;
    frame.writeBytes(new byte[] {0, (byte) (length >> 8), (byte) length, (byte) type, 0});
    int id = stream.getId();
    frame.writeBytes(
        new byte[] {(byte) (id >> 24), (byte) (id >> 16), (byte) (id >> 8), (byte) id});
    frame.writeBytes(bytes);
    OutputStream raw = socket().getOutputStream();
    raw.write(frame.toByteArray());
    raw.flush();
  }

  /** Sends nothing more on the connection, not even answers to pings. */
  void fallSilent() {
    synchronized (connection.getWriter()) { // its lock
      while (!tcp().isClosed()) { // by the provider
        LockSupport.parkNanos(POLL_NANOS);
      }
    }
  }

  /** Refuses the stream, or breaks it off. */
  void reset(ErrorCode why) throws IOException {
    stream.close(why, null);
  }

  /**
   * Announces the end of the connection.
   *
   * @param takes whether this stream is still answered
   */
  void goAway(boolean takes) throws IOException {
    connection
        .getWriter()
        .goAway(takes ? stream.getId() : stream.getId() - 2, ErrorCode.NO_ERROR, NO_BYTES);
  }

  @Override
  void reset() throws IOException {
    if (!headSent && head.size() > 0) {
      cutFrame(HEADERS, new byte[] {(byte) 0x88, 0x5f});
    }
    super.reset();
  }

  @Override
  void awaitClosed() {
    while (stream.isOpen() && !socket().isClosed()) {
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
