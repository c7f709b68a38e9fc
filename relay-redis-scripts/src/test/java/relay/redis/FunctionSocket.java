package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * A blocking socket for a simulation's calls, of which one waits for the other: a client of events
 * would change threads twice for each, which takes longer than most calls.
 */
final class FunctionSocket implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;

  FunctionSocket(RedisURI uri) {
    try {
      socket = new Socket(uri.getHost(), uri.getPort());
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The reply: numbers, bytes and lists of them. An error is thrown as Lettuce throws it. */
  List<Object> call(String function, byte[][] keys, Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ascii("*" + (3 + keys.length + args.length) + "\r\n"));
    write(out, ascii("FCALL"));
    write(out, ascii(function));
    write(out, ascii(String.valueOf(keys.length)));
    for (byte[] key : keys) {
      write(out, key);
    }
    for (Object arg : args) {
      write(out, RedisKeys.bytes(String.valueOf(arg)));
    }
    try {
      out.writeTo(socket.getOutputStream());
      return reply();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static void write(ByteArrayOutputStream out, byte[] text) {
    out.writeBytes(ascii("$" + text.length + "\r\n"));
    out.writeBytes(text);
    out.write('\r');
    out.write('\n');
  }

  private List<Object> reply() throws IOException {
    int type = in.read();
    String line = line();
    return switch (type) {
      case '*' -> list(Integer.parseInt(line));
      case '-' -> throw new CompletionException(new RedisCommandExecutionException(line));
      default -> throw new IOException("unexpected reply " + (char) type + line);
    };
  }

  private List<Object> list(int size) throws IOException {
    List<Object> all = new ArrayList<>(size);
    for (int n = 0; n < size; n++) {
      int type = in.read();
      String line = line();
      all.add(
          switch (type) {
            case ':' -> Long.parseLong(line);
            case '$' -> bytes(Integer.parseInt(line));
            case '*' -> list(Integer.parseInt(line));
            default -> throw new IOException("unexpected " + (char) type + line);
          });
    }
    return all;
  }

  private byte[] bytes(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    in.skipNBytes(2);
    return bytes;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\r'; c = in.read()) {
      if (c < 0) {
        throw new EOFException();
      }
      line.append((char) c);
    }
    in.skipNBytes(1);
    return line.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
