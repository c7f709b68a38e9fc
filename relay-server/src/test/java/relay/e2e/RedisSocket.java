package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A plain connection to Redis. Each character stands for one byte. */
final class RedisSocket implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;

  RedisSocket(int port) throws IOException {
    socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
  }

  /** Runs a command with a single text or number as reply. */
  String text(String... words) throws IOException {
    return String.join(" ", list(words));
  }

  /** Runs a command and flattens its reply. */
  synchronized List<String> list(String... words) throws IOException {
    send(words);
    List<String> reply = new ArrayList<>();
    read(reply);
    return reply;
  }

  /** The fields of a hash. */
  Map<String, String> hash(String key) throws IOException {
    List<String> flat = list("HGETALL", key);
    Map<String, String> fields = new TreeMap<>();
    for (int n = 0; n + 1 < flat.size(); n += 2) {
      fields.put(flat.get(n), flat.get(n + 1));
    }
    return fields;
  }

  /** The names and values of all keys. */
  String everything() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String key : list("KEYS", "*")) {
      String value =
          switch (text("TYPE", key)) {
            case "string" -> text("GET", key);
            case "hash" -> text("HGETALL", key);
            case "zset" -> text("ZRANGE", key, "0", "-1", "WITHSCORES");
            case "set" -> text("SMEMBERS", key);
            case "list" -> text("LRANGE", key, "0", "-1");
            case "none" -> ""; // expired in between
            default -> throw new AssertionError("a type that this dump does not know: " + key);
          };
      all.append(key).append(' ').append(value).append('\n');
    }
    return all.toString();
  }

  void send(String... words) throws IOException {
    StringBuilder command = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      command.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    socket.getOutputStream().write(command.toString().getBytes(ISO_8859_1));
  }

  private void read(List<String> into) throws IOException {
    String line = line();
    String rest = line.substring(1);
    switch (line.charAt(0)) {
      case '+', ':' -> into.add(rest);
      case '-' -> throw new IOException("Redis says: " + rest);
      case '$' -> {
        int length = Integer.parseInt(rest);
        if (length >= 0) {
          into.add(new String(in.readNBytes(length), ISO_8859_1));
          line();
        }
      }
      case '*' -> {
        for (int n = Integer.parseInt(rest); n > 0; n--) {
          read(into);
        }
      }
      default -> throw new IOException("not a reply: " + line);
    }
  }

  /** The next line, for MONITOR. */
  String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("Redis closed the connection");
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
