package relay.redis.link;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ByteArrayOutput;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.output.NestedMultiOutput;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandKeyword;
import io.lettuce.core.protocol.CommandType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A connection to Redis that calls functions, and asks where the master is. */
public final class FunctionConnection extends RedisChannelHandler<byte[], byte[]> {
  private static final ByteArrayCodec BYTES = ByteArrayCodec.INSTANCE;

  FunctionConnection(RedisChannelWriter writer, Duration timeout) {
    super(writer, timeout);
  }

  /** Calls a function whose reply is a list. */
  CompletableFuture<List<Object>> call(String function, byte[][] keys, byte[][] args) {
    return send(
        CommandType.FCALL, new NestedMultiOutput<>(BYTES), new FunctionArgs(function, keys, args));
  }

  /** Loads a library of functions. */
  CompletableFuture<String> load(String library) {
    return send(
        CommandType.FUNCTION,
        new StatusOutput<>(BYTES),
        new CommandArgs<>(BYTES)
            .add(CommandKeyword.LOAD)
            .add(library.getBytes(StandardCharsets.UTF_8)));
  }

  /** As {@link #call}, on a Cluster's master that is taking over the keys' slot. */
  CompletableFuture<List<Object>> callAsking(String function, byte[][] keys, byte[][] args) {
    var _ = send(CommandType.ASKING, new StatusOutput<>(BYTES), new CommandArgs<>(BYTES));
    return call(function, keys, args);
  }

  /** A part of the names of all keys that match: its cursor, "0" after the last, and the names. */
  public CompletableFuture<List<Object>> scan(String cursor, String pattern) {
    return send(
        CommandType.SCAN,
        new NestedMultiOutput<>(BYTES),
        new CommandArgs<>(BYTES)
            .add(cursor)
            .add(CommandKeyword.MATCH)
            .add(pattern)
            .add(CommandKeyword.COUNT)
            .add(1000));
  }

  /** The memory section of INFO. */
  CompletableFuture<String> memoryInfo() {
    return send(
            CommandType.INFO, new ByteArrayOutput<>(BYTES), new CommandArgs<>(BYTES).add("memory"))
        .thenApply(info -> new String(info, StandardCharsets.UTF_8));
  }

  /** Authenticates again. */
  CompletableFuture<String> authenticate(@Nullable String user, String password) {
    CommandArgs<byte[], byte[]> args = new CommandArgs<>(BYTES);
    if (user != null) {
      args.add(user);
    }
    return send(CommandType.AUTH, new StatusOutput<>(BYTES), args.add(password.toCharArray()));
  }

  /** A sentinel's host and port of the master; empty if it knows none. */
  CompletableFuture<List<Object>> masterOf(String name) {
    return send(
        CommandType.SENTINEL,
        new NestedMultiOutput<>(BYTES),
        new CommandArgs<>(BYTES).add("get-master-addr-by-name").add(name));
  }

  /**
   * A Cluster's slots: for each range its first and last slot, then its nodes, the master first.
   */
  CompletableFuture<List<Object>> slots() {
    return send(
        CommandType.CLUSTER, new NestedMultiOutput<>(BYTES), new CommandArgs<>(BYTES).add("SLOTS"));
  }

  /** A Cluster's state, as a node describes it: lines of {@code name:value}. */
  CompletableFuture<String> clusterInfo() {
    return send(
            CommandType.CLUSTER, new ByteArrayOutput<>(BYTES), new CommandArgs<>(BYTES).add("INFO"))
        .thenApply(info -> new String(info, StandardCharsets.UTF_8));
  }

  private <T> CompletableFuture<T> send(
      CommandType type, CommandOutput<byte[], byte[], T> output, CommandArgs<byte[], byte[]> args) {
    AsyncCommand<byte[], byte[], T> command = new AsyncCommand<>(new Command<>(type, output, args));
    var _ = dispatch(command);
    return command;
  }
}
