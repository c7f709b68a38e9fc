package relay.redis;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads RESP 2 and 3 messages of Redis and its clients, and keeps their bytes. */
final class RespMessages {
  private static final int CR = '\r';

  private final InputStream in;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /**
   * @param in one side's stream, buffered
   */
  RespMessages(InputStream in) {
    this.in = in;
  }

  /**
   * The next message: a text, a number, or a list of them; null for a null reply.
   *
   * @throws EOFException when the other side has closed the stream
   */
  @Nullable Object next() throws IOException {
    int type = read();
    String line = line();
    return switch (type) {
      case '+', '-', ',', '#', '(', '_' -> line;
      case ':' -> Long.parseLong(line);
      case '$', '=' -> text(Integer.parseInt(line));
      case '*', '~' -> list(Integer.parseInt(line));
      case '%' -> list(2 * Integer.parseInt(line));
      default -> throw new IOException("unexpected message " + (char) type + line);
    };
  }

  /** The bytes read since the last call. */
  byte[] taken() {
    byte[] all = bytes.toByteArray();
    bytes.reset();
    return all;
  }

  private @Nullable String text(int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] text = in.readNBytes(length + 2);
    if (text.length < length + 2) {
      throw new EOFException();
    }
    bytes.writeBytes(text);
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  private @Nullable List<@Nullable Object> list(int size) throws IOException {
    if (size < 0) {
      return null;
    }
    List<@Nullable Object> all = new ArrayList<>();
    for (int n = 0; n < size; n++) {
      all.add(next());
    }
    return all;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = read(); c != CR; c = read()) {
      line.append((char) c);
    }
    var _ = read(); // the line feed
    return line.toString();
  }

  private int read() throws IOException {
    int c = in.read();
    if (c < 0) {
      throw new EOFException();
    }
    bytes.write(c);
    return c;
  }
}
