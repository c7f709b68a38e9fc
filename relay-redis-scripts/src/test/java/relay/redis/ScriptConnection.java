package relay.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.redis.library.Digests;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** A plain connection on which tests call scripts and inspect Redis. */
public final class ScriptConnection implements AutoCloseable {
  private final RedisClient client;
  private final StatefulRedisConnection<byte[], byte[]> connection;
  private final UnaryOperator<String> named;
  private final String url;
  private @Nullable FunctionSocket socket; // of calls that wait for their replies

  public ScriptConnection(String url) {
    this(url, ScriptFile.library(), UnaryOperator.identity());
  }

  /**
   * With other scripts than the shipped ones.
   *
   * @param library the text to load
   * @param named maps a script to its function's name
   */
  private ScriptConnection(String url, String library, UnaryOperator<String> named) {
    this.named = named;
    this.url = url;
    client = RedisClient.create(url);
    connection = client.connect(ByteArrayCodec.INSTANCE);
    try {
      redis().functionLoad(library);
    } catch (RedisCommandExecutionException e) {
      if (!String.valueOf(e.getMessage()).contains("already exists")) {
        throw e;
      }
    }
  }

  /** With a fault in the scripts: replaces a text that occurs once. */
  public static ScriptConnection faulty(String url, String text, String other) {
    String shipped = ScriptFile.library();
    if (shipped.indexOf(text) < 0 || shipped.indexOf(text) != shipped.lastIndexOf(text)) {
      throw new IllegalArgumentException("not once in the scripts: " + text);
    }
    String fault = Digests.hex("SHA-256", text + other).substring(0, 8);
    UnaryOperator<String> renamed = t -> t.replace("relay_", "fault_" + fault + "_");
    return new ScriptConnection(url, renamed.apply(shipped.replace(text, other)), renamed);
  }

  public RedisCommands<byte[], byte[]> redis() {
    return connection.sync();
  }

  public RedisAsyncCommands<byte[], byte[]> async() {
    return connection.async();
  }

  public CompletableFuture<List<Object>> send(ScriptFile script, byte[][] keys, Object... args) {
    byte[][] texts = new byte[args.length][];
    for (int n = 0; n < args.length; n++) {
      texts[n] = RedisKeys.bytes(String.valueOf(args[n]));
    }
    return async()
        .<List<Object>>fcall(named.apply(script.function()), ScriptOutputType.MULTI, keys, texts)
        .toCompletableFuture();
  }

  /** Runs a step of a walk or a test. */
  public List<Object> call(Step step, RedisKeys names, Clock clock) {
    return call(step.script(), step.keys(names), step.args(clock).toArray());
  }

  /**
   * A survey that asks for news.
   *
   * @param replica whose heartbeat it is; empty for an observer
   * @param news what the script's argument of that name says
   */
  public List<Object> heartbeat(String replica, RedisKeys names, Clock clock, String news) {
    Step survey = new Step.Survey(replica, 0, List.of(), List.of(), List.of());
    List<Object> args = survey.args(clock);
    args.set(6, news);
    return reply(survey.script(), survey.keys(names), args.toArray());
  }

  /** The reply, with text for bytes. */
  public List<Object> call(ScriptFile script, byte[][] keys, Object... args) {
    return readable(reply(script, keys, args));
  }

  /** Waits for the reply: on the socket, and if that breaks, on the connection that comes back. */
  public synchronized List<Object> reply(ScriptFile script, byte[][] keys, Object... args) {
    if (url.startsWith("redis://") && !url.contains("@")) {
      try {
        if (socket == null) {
          socket = new FunctionSocket(RedisURI.create(url));
        }
        return socket.call(named.apply(script.function()), keys, args);
      } catch (UncheckedIOException e) {
        closeSocket();
      }
    }
    return send(script, keys, args).join();
  }

  private void closeSocket() {
    if (socket != null) {
      socket.close();
      socket = null;
    }
  }

  /** Changes the rights of a user. */
  public void setUser(String name, String... rules) {
    CommandArgs<byte[], byte[]> args = new CommandArgs<>(ByteArrayCodec.INSTANCE);
    args.add("SETUSER").add(name);
    Stream.of(rules).forEach(args::add);
    redis().dispatch(CommandType.ACL, new StatusOutput<>(ByteArrayCodec.INSTANCE), args);
  }

  /** A line of INFO. */
  public String info(String section, String line) {
    return redis()
        .info(section)
        .lines()
        .filter(l -> l.startsWith(line + ":"))
        .map(l -> l.substring(line.length() + 1))
        .findFirst()
        .orElse("");
  }

  /** Names of the keys with this prefix. */
  public List<String> names(String prefix) {
    return redis().keys(prefix + "*").stream().map(ScriptConnection::text).sorted().toList();
  }

  public static List<Object> readable(List<?> reply) {
    return reply.stream().map(ScriptConnection::readable).toList();
  }

  private static Object readable(Object value) {
    return switch (value) {
      case byte[] bytes -> text(bytes);
      case List<?> list -> readable(list);
      default -> value;
    };
  }

  public static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    closeSocket();
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
