package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.guards.RespReader;

/** A plain connection to Redis. Each character stands for one byte. */
final class RedisSocket implements AutoCloseable {
  private final Socket socket;
  private final RespReader replies;

  RedisSocket(int port) throws IOException {
    socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
    socket.setTcpNoDelay(true);
    replies = new RespReader(new BufferedInputStream(socket.getInputStream()));
  }

  /** Runs a command with a single text or number as reply. */
  String text(String... words) throws IOException {
    return String.join(" ", list(words));
  }

  /** Runs a command and flattens its reply. */
  synchronized List<String> list(String... words) throws IOException {
    send(words);
    List<String> reply = new ArrayList<>();
    flatten(replies.next(), reply);
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
    List<byte[]> all = Stream.of(words).map(word -> word.getBytes(ISO_8859_1)).toList();
    socket.getOutputStream().write(RespReader.command(all));
  }

  private static void flatten(@Nullable Object reply, List<String> into) throws IOException {
    switch (reply) {
      case null -> {}
      case byte[] text -> into.add(new String(text, ISO_8859_1));
      case RespReader.ErrorReply(String text) -> throw new IOException("Redis says: " + text);
      case List<?> all -> {
        for (Object each : all) {
          flatten(each, into);
        }
      }
      default -> into.add(reply.toString());
    }
  }

  /** The next line, for MONITOR. */
  String line() throws IOException {
    return replies.line();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
