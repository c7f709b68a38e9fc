package relay.redis.link;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ConnectionBuilder;
import io.lettuce.core.ConnectionFuture;
import io.lettuce.core.ConnectionState;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslConnectionBuilder;
import io.lettuce.core.protocol.CommandHandler;
import io.lettuce.core.protocol.ConnectionInitializer;
import io.lettuce.core.protocol.DefaultEndpoint;
import io.lettuce.core.resource.ClientResources;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Opens connections that can only call functions. The connections of Lettuce's own client carry
 * blocking, asynchronous and reactive variants of every command: ten thousand methods, which cost
 * start time and memory.
 */
final class FunctionClient extends AbstractRedisClient {
  FunctionClient(ClientResources resources, ClientOptions options) {
    super(resources);
    setOptions(options);
  }

  /**
   * Connects and authenticates as the URL says.
   *
   * @throws RedisException when Redis does not answer, or refuses
   */
  FunctionConnection connect(RedisURI uri) {
    DefaultEndpoint endpoint = new DefaultEndpoint(getOptions(), getResources());
    FunctionConnection connection = new FunctionConnection(endpoint, uri.getTimeout());
    ConnectionBuilder builder =
        uri.isSsl()
            ? SslConnectionBuilder.sslConnectionBuilder().ssl(uri)
            : ConnectionBuilder.connectionBuilder();
    builder
        .connection(connection)
        .clientOptions(getOptions())
        .clientResources(getResources())
        .commandHandler(() -> new CommandHandler(getOptions(), getResources(), endpoint))
        .endpoint(endpoint);
    connectionBuilder(
        Mono.fromCallable(() -> getResources().socketAddressResolver().resolve(uri)),
        builder,
        connection.getConnectionEvents(),
        uri);
    AtomicReference<@Nullable Throwable> refusal = new AtomicReference<>();
    ConnectionInitializer handshake = createHandshake(new Credentials(uri));
    builder.connectionInitializer(
        channel ->
            handshake.initialize(channel).whenComplete((done, failure) -> refusal.set(failure)));
    ConnectionFuture<FunctionConnection> connected = initializeChannelAsync(builder);
    var _ =
        connected.whenComplete(
            (made, failure) -> {
              if (failure != null) {
                var _ = connection.closeAsync();
              }
            });
    try {
      return getConnection(connected);
    } catch (RedisException e) {
      Throwable answer = refusal.get();
      if (answer != null && FailureReason.root(answer) instanceof RedisCommandExecutionException) {
        // Lettuce may tell that the connection was closed instead, or that its handler is gone
        throw new RedisConnectionException("Redis refuses", answer);
      }
      throw e;
    }
  }

  /** User, password and database. */
  private static final class Credentials extends ConnectionState {
    Credentials(RedisURI uri) {
      apply(uri);
      setDb(uri.getDatabase());
    }
  }
}
