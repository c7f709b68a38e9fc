package relay.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ConnectionBuilder;
import io.lettuce.core.ConnectionFuture;
import io.lettuce.core.ConnectionState;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslConnectionBuilder;
import io.lettuce.core.protocol.CommandHandler;
import io.lettuce.core.protocol.DefaultEndpoint;
import io.lettuce.core.resource.ClientResources;
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
   * @throws io.lettuce.core.RedisException when Redis does not answer, or refuses
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
    builder.connectionInitializer(createHandshake(new Credentials(uri)));
    ConnectionFuture<FunctionConnection> connected = initializeChannelAsync(builder);
    var _ =
        connected.whenComplete(
            (made, failure) -> {
              if (failure != null) {
                var _ = connection.closeAsync();
              }
            });
    return getConnection(connected);
  }

  /** User, password and database. */
  private static final class Credentials extends ConnectionState {
    Credentials(RedisURI uri) {
      apply(uri);
      setDb(uri.getDatabase());
    }
  }
}
