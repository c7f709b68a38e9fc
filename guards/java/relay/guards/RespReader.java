package relay.guards;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads messages of Redis and its clients, RESP 2 and 3, for tests that use a plain socket. */
public final class RespReader {
  private final InputStream in;

  /** A reply that is an error, as Redis words it. */
  public record ErrorReply(String text) {}

  /**
   * @param in buffered
   */
  public RespReader(InputStream in) {
    this.in = in;
  }

  /** A command in the form in which clients send it. */
  public static byte[] command(List<byte[]> words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(("*" + words.size() + "\r\n").getBytes(US_ASCII));
    for (byte[] word : words) {
      out.writeBytes(("$" + word.length + "\r\n").getBytes(US_ASCII));
      out.writeBytes(word);
      out.write('\r');
      out.write('\n');
    }
    return out.toByteArray();
  }

  /**
   * The next message: a line, a number, bytes, a list of them, or an error; null for a null reply.
   *
   * @throws EOFException when the other side has closed the stream
   */
  public @Nullable Object next() throws IOException {
    String line = line();
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+', ',', '#', '(', '_' -> rest;
      case '-' -> new ErrorReply(rest);
      case ':' -> Long.parseLong(rest);
      case '$', '=' -> bytes(Integer.parseInt(rest));
      case '*', '~' -> list(Integer.parseInt(rest));
      case '%' -> list(2 * Integer.parseInt(rest));
      default -> throw new IOException("not a message: " + line);
    };
  }

  private byte @Nullable [] bytes(int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length || in.readNBytes(2).length < 2) { // the end of the line
      throw new EOFException();
    }
    return bytes;
  }

  private @Nullable List<@Nullable Object> list(int size) throws IOException {
    if (size < 0) {
      return null;
    }
    List<@Nullable Object> all = new ArrayList<>(size);
    for (int n = 0; n < size; n++) {
      all.add(next());
    }
    return all;
  }

  /** The next line, without its end. */
  public String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the other side closed the connection");
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }
}
