package relay.attack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An HTTP/2 connection by prior knowledge, with one request at a time. */
final class Http2Wire implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RESET = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GO_AWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;

  private static final int ACK = 1;
  private static final int STATUS_200 = 0x88; // HPACK's static table
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  private final Wire wire;
  private final DataInputStream in;
  private int stream = -1;
  private String said = ""; // the last answer's body, or its beginning

  Http2Wire(int port) throws IOException {
    wire = new Wire(port, 0);
    in = new DataInputStream(wire.in());
    wire.send(preface());
  }

  /**
   * What a client sends first.
   *
   * @param settings numbers and values by turns
   */
  static byte[] preface(int... settings) {
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    for (int n = 0; n < settings.length; n += 2) {
      payload.write(0);
      payload.write(settings[n]);
      payload.writeBytes(number(settings[n + 1]));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(PREFACE.getBytes(ISO_8859_1));
    out.writeBytes(frame(SETTINGS, 0, 0, payload.toByteArray()));
    return out.toByteArray();
  }

  /** A request that needs no credential to be refused. */
  static byte[] stranger(int stream) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    line(block, ":method", "GET");
    line(block, ":scheme", "http");
    line(block, ":authority", "relay.test");
    line(block, ":path", "/nothing");
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, block.toByteArray());
  }

  /** The head of a request with a body. */
  static byte[] head(int stream, String key) {
    return frame(HEADERS, END_HEADERS, stream, block(key, "x-a", "b"));
  }

  static byte[] frame(int type, int flags, int stream, byte[] payload) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(payload.length >> 16);
    frame.write(payload.length >> 8);
    frame.write(payload.length);
    frame.write(type);
    frame.write(flags);
    frame.writeBytes(number(stream));
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  private static byte[] number(int n) {
    return new byte[] {(byte) (n >> 24), (byte) (n >> 16), (byte) (n >> 8), (byte) n};
  }

  /** A header line without compression; its name and value are shorter than 127 bytes. */
  private static void line(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    block.write(name.length());
    block.writeBytes(name.getBytes(ISO_8859_1));
    block.write(value.length());
    block.writeBytes(value.getBytes(ISO_8859_1));
  }

  /**
   * A request in two frames.
   *
   * @param name of a header that is added or replaced
   */
  static byte[] request(int stream, String key, String name, String value, String body) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(frame(HEADERS, END_HEADERS, stream, block(key, name, value)));
    all.writeBytes(frame(DATA, END_STREAM, stream, body.getBytes(ISO_8859_1)));
    return all.toByteArray();
  }

  private static byte[] block(String key, String name, String value) {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put(":method", "POST");
    lines.put(":scheme", "http");
    lines.put(":authority", "relay.test");
    lines.put(":path", "/v1/messages");
    lines.put("x-api-key", key);
    lines.put("content-type", "application/json");
    lines.put(name, value);
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    lines.forEach((each, its) -> line(block, each, its));
    return block.toByteArray();
  }

  /** Sends a good request and reads its answer; whether it is a good one. */
  boolean ask(String key, String body) throws IOException {
    stream += 2;
    wire.send(request(stream, key, Requests.ANSWER, AttackProvider.JSON, body));
    return answer();
  }

  /** As {@link #ask}, with a header line after the body. */
  boolean askWithTrailer(String key, String body, String name, String value) throws IOException {
    stream += 2;
    byte[] head = block(key, Requests.ANSWER, AttackProvider.JSON);
    wire.send(frame(HEADERS, END_HEADERS, stream, head));
    wire.send(frame(DATA, 0, stream, body.getBytes(ISO_8859_1)));
    ByteArrayOutputStream trailer = new ByteArrayOutputStream();
    line(trailer, name, value);
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, trailer.toByteArray()));
    return answer();
  }

  /**
   * Sends a faulty request, as another client does behind a balancer. Its answer is not awaited.
   */
  void disturb(List<String> line) throws IOException {
    stream += 2;
    String body = Requests.body(Target.MODEL, "");
    wire.send(request(stream, Target.ATTACKER, line.get(0), line.get(1), body));
  }

  /** Reads to the end of an answer; whether its status is 200. Any other frame is served, too. */
  private boolean answer() throws IOException {
    boolean good = false;
    said = "";
    while (true) {
      int lengthAndType = in.readInt();
      int flags = in.readUnsignedByte();
      int of = in.readInt();
      byte[] payload = in.readNBytes(lengthAndType >>> 8);
      switch (lengthAndType & 0xff) {
        case HEADERS -> good |= of == stream && (payload[0] & 0xff) == STATUS_200;
        case DATA -> {
          said = said.isEmpty() ? new String(payload, UTF_8) : said;
          if (payload.length > 0) {
            wire.send(frame(WINDOW_UPDATE, 0, 0, number(payload.length)));
          }
        }
        case SETTINGS, PING -> {
          if ((flags & ACK) == 0) {
            boolean ping = (lengthAndType & 0xff) == PING;
            wire.send(frame(lengthAndType & 0xff, ACK, 0, ping ? payload : new byte[0]));
          }
          continue;
        }
        case RESET -> {
          if (of == stream) {
            throw new IOException("the stream was reset");
          }
        }
        case GO_AWAY -> throw new IOException("told to go away, " + reason(payload));
        default -> {}
      }
      boolean last = (lengthAndType & 0xff) <= HEADERS && (flags & END_STREAM) != 0;
      if (last && of == stream) {
        return good;
      }
    }
  }

  /** The beginning of the body of the last answer. */
  String said() {
    return said;
  }

  /** The error and the text of a GOAWAY frame. */
  private static String reason(byte[] goAway) {
    int error = ByteBuffer.wrap(goAway).getInt(Integer.BYTES);
    String text = new String(goAway, 2 * Integer.BYTES, goAway.length - 2 * Integer.BYTES, UTF_8);
    return "error " + error + (text.isEmpty() ? "" : ": " + text);
  }

  @Override
  public void close() {
    wire.close();
  }
}
