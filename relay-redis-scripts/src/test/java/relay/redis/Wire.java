package relay.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A plain connection on which tests call the scripts themselves and look at what is in Redis. */
final class Wire implements AutoCloseable {
  private final RedisClient client;
  private final StatefulRedisConnection<byte[], byte[]> connection;

  Wire(String url) {
    client = RedisClient.create(url);
    connection = client.connect(ByteArrayCodec.INSTANCE);
    try {
      redis().functionLoad(ScriptFile.library());
    } catch (RedisCommandExecutionException e) {
      if (!String.valueOf(e.getMessage()).contains("already exists")) {
        throw e;
      }
    }
  }

  RedisCommands<byte[], byte[]> redis() {
    return connection.sync();
  }

  RedisAsyncCommands<byte[], byte[]> async() {
    return connection.async();
  }

  CompletableFuture<List<Object>> send(ScriptFile script, byte[][] keys, Object... args) {
    byte[][] texts = new byte[args.length][];
    for (int n = 0; n < args.length; n++) {
      texts[n] = RedisKeys.bytes(String.valueOf(args[n]));
    }
    return async()
        .<List<Object>>fcall(script.function(), ScriptOutputType.MULTI, keys, texts)
        .toCompletableFuture();
  }

  /** The reply, with text for bytes. */
  List<Object> call(ScriptFile script, byte[][] keys, Object... args) {
    return readable(send(script, keys, args).join());
  }

  /** A line of INFO. */
  String info(String section, String line) {
    return redis()
        .info(section)
        .lines()
        .filter(l -> l.startsWith(line + ":"))
        .map(l -> l.substring(line.length() + 1))
        .findFirst()
        .orElse("");
  }

  /** Names of the keys with this prefix. */
  List<String> names(String prefix) {
    return redis().keys(prefix + "*").stream().map(Wire::text).sorted().toList();
  }

  static List<Object> readable(List<?> reply) {
    return reply.stream().map(Wire::readable).toList();
  }

  private static Object readable(Object value) {
    return switch (value) {
      case byte[] bytes -> text(bytes);
      case List<?> list -> readable(list);
      default -> value;
    };
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
