package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.undertow.protocols.http2.HpackDecoder;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import relay.HeaderBlock;

/** An HTTP/2 client connection whose frames the test writes, valid or not. */
final class RawHttp2Client implements AutoCloseable {
  /** The status of a stream that the server has reset. */
  static final int RESET = -1;

  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final int FRAME_BYTES = 16_384;
  private static final int FIRST_WINDOW = 65_535;
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int GO_AWAY = 7;
  private static final int WINDOW_UPDATE = 8;
  private static final int CONTINUATION = 9;
  private static final int PADDED = 8;
  private static final int CANCEL = 8;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private final Socket socket;
  private final DataInputStream in;
  private final HpackDecoder decoder = new HpackDecoder();
  private final Map<Integer, Integer> statuses = new HashMap<>();
  private final Map<Integer, ByteArrayOutputStream> bodies = new HashMap<>();
  private final Set<Integer> ended = new HashSet<>();
  private final Map<Integer, Integer> windows = new HashMap<>(); // of streams
  private int window = FIRST_WINDOW; // of the connection

  RawHttp2Client(int port) throws IOException {
    this(new Socket(InetAddress.ofLiteral("127.0.0.1"), port));
  }

  /**
   * @param socket with or without TLS
   */
  RawHttp2Client(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    socket.getOutputStream().write(PREFACE.getBytes(ISO_8859_1));
    frame(SETTINGS, 0, 0, new byte[0]);
  }

  void frame(int type, int flags, int stream, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(payload.length >> 16);
    frame.write(payload.length >> 8);
    frame.write(payload.length);
    frame.write(type);
    frame.write(flags);
    frame.writeBytes(new byte[] {0, 0, (byte) (stream >> 8), (byte) stream});
    frame.writeBytes(payload);
    socket.getOutputStream().write(frame.toByteArray());
  }

  /** A value of a header line to be left out. */
  static final String ABSENT = "(absent)";

  /** Sends a POST to /v1/messages; {@code lines} replaces or adds header lines. */
  void request(int stream, Map<String, String> lines, byte[] body) throws IOException {
    head(stream, lines);
    frame(DATA, END_STREAM, stream, body);
  }

  void head(int stream, Map<String, String> lines) throws IOException {
    head(stream, lines, List.of());
  }

  /**
   * @param more lines, each a name and its value, whose names may repeat
   */
  void head(int stream, Map<String, String> lines, List<Map.Entry<String, String>> more)
      throws IOException {
    Map<String, String> all = new LinkedHashMap<>();
    all.put(":method", "POST");
    all.put(":scheme", "http");
    all.put(":authority", "relay.test");
    all.put(":path", "/v1/messages");
    all.put("x-api-key", Ask.CLIENT_KEY);
    all.put("content-type", "application/json");
    all.putAll(lines);
    all.values().removeIf(ABSENT::equals);
    HeaderBlock block = new HeaderBlock();
    all.forEach(block::line);
    more.forEach(line -> block.line(line.getKey(), line.getValue()));
    lines(stream, 0, block.bytes());
  }

  /** Ends a request with header lines after its body. */
  void trailers(int stream, Map<String, String> lines) throws IOException {
    lines(stream, END_STREAM, HeaderBlock.of(lines));
  }

  private void lines(int stream, int more, byte[] bytes) throws IOException {
    for (int from = 0; from < bytes.length; from += FRAME_BYTES) {
      int to = Math.min(bytes.length, from + FRAME_BYTES);
      int flags = (to == bytes.length ? END_HEADERS : 0) | (from == 0 ? more : 0);
      frame(from == 0 ? HEADERS : CONTINUATION, flags, stream, Arrays.copyOfRange(bytes, from, to));
    }
  }

  /** Sends a part of a body as soon as the windows allow it. */
  void data(int stream, boolean last, int padding, byte[] part) throws IOException {
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    if (padding > 0) {
      payload.write(padding);
    }
    payload.writeBytes(part);
    payload.writeBytes(new byte[padding]);
    while (Math.min(window, windows.getOrDefault(stream, FIRST_WINDOW)) < payload.size()) {
      read();
    }
    window -= payload.size();
    windows.merge(stream, FIRST_WINDOW - payload.size(), (now, _) -> now - payload.size());
    int flags = (last ? END_STREAM : 0) | (padding > 0 ? PADDED : 0);
    frame(DATA, flags, stream, payload.toByteArray());
  }

  /** Announces that the client leaves when its streams have ended. */
  void goAway() throws IOException {
    frame(GO_AWAY, 0, 0, new byte[8]);
  }

  /** Reads to the end of the connection; false if it was reset, or without a GOAWAY frame. */
  boolean endsWithGoAway() throws IOException {
    try {
      while (true) {
        read();
      }
    } catch (EOFException e) {
      return String.valueOf(e.getMessage()).contains("code 0");
    }
  }

  void reset(int stream) throws IOException {
    frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, CANCEL});
  }

  /** The status of a stream's answer; {@link #RESET} for a reset stream. */
  int status(int stream) throws IOException {
    while (!statuses.containsKey(stream)) {
      read();
    }
    return statuses.get(stream);
  }

  /** The whole answer of a stream. */
  String body(int stream) throws IOException {
    while (!ended.contains(stream)) {
      read();
    }
    return bodies.getOrDefault(stream, new ByteArrayOutputStream()).toString(ISO_8859_1);
  }

  private void read() throws IOException {
    int lengthAndType = in.readInt();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    byte[] payload = in.readNBytes(lengthAndType >>> 8);
    int type = lengthAndType & 0xff;
    if ((type == DATA || type == HEADERS) && (flags & END_STREAM) != 0) {
      ended.add(stream);
    }
    switch (type) {
      case DATA -> {
        bodies.computeIfAbsent(stream, _ -> new ByteArrayOutputStream()).writeBytes(payload);
        if (payload.length > 0) {
          byte[] given = ByteBuffer.allocate(Integer.BYTES).putInt(payload.length).array();
          frame(WINDOW_UPDATE, 0, 0, given);
        }
      }
      case HEADERS -> {
        decoder.setHeaderEmitter(
            (name, value, never) -> {
              if (name.toString().equals(":status")) {
                statuses.put(stream, Integer.parseInt(value));
              }
            });
        try {
          decoder.decode(ByteBuffer.wrap(payload), (flags & END_HEADERS) == 0);
        } catch (Exception e) {
          throw new IOException("a malformed head", e);
        }
      }
      case RST_STREAM -> statuses.putIfAbsent(stream, RESET);
      case WINDOW_UPDATE -> {
        int more = ByteBuffer.wrap(payload).getInt();
        if (stream == 0) {
          window += more;
        } else {
          windows.merge(stream, FIRST_WINDOW + more, (now, _) -> now + more);
        }
      }
      case GO_AWAY -> throw new EOFException("the connection ends, code " + payload[7]);
      default -> {}
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
