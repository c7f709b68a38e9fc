package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import relay.guards.RespReader;
import relay.redis.script.RedisKeys;

/**
 * A blocking socket for a simulation's calls, of which one waits for the other: a client of events
 * would change threads twice for each, which takes longer than most calls.
 */
final class FunctionSocket implements AutoCloseable {
  private final Socket socket;
  private final RespReader replies;

  FunctionSocket(RedisURI uri) {
    try {
      socket = new Socket(uri.getHost(), uri.getPort());
      socket.setTcpNoDelay(true);
      replies = new RespReader(new BufferedInputStream(socket.getInputStream()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The reply: numbers, bytes and lists of them. An error is thrown as Lettuce throws it. */
  List<Object> call(String function, byte[][] keys, Object... args) {
    List<byte[]> words = new ArrayList<>(3 + keys.length + args.length);
    words.add(RedisKeys.bytes("FCALL"));
    words.add(RedisKeys.bytes(function));
    words.add(RedisKeys.bytes(keys.length));
    words.addAll(List.of(keys));
    for (Object arg : args) {
      words.add(RedisKeys.bytes(String.valueOf(arg)));
    }
    try {
      socket.getOutputStream().write(RespReader.command(words));
      return list(replies.next());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked") // a list has numbers, bytes and lists
  private static List<Object> list(@Nullable Object reply) throws IOException {
    return switch (reply) {
      case List<?> all -> (List<Object>) all;
      case RespReader.ErrorReply(String text) ->
          throw new CompletionException(new RedisCommandExecutionException(text));
      case null, default -> throw new IOException("unexpected reply " + reply);
    };
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
