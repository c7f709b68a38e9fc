package relay.redis.link;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.StaticCredentialsProvider;
import io.lettuce.core.TimeoutOptions;
import io.netty.buffer.Unpooled;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.handler.ssl.SslContextBuilder;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;
import relay.redis.model.SocketLoop;

/**
 * The parts that all connections to Redis share: the thread that serves them, deadlines, TLS, the
 * login.
 */
public final class Connections implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Connections.class);
  private static final int CLOSE_SECONDS = 2;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);

  /** Bound on unanswered calls: at 40,000 calls a second and 100 ms each, 4,000 are in flight. */
  private static final int MAX_QUEUED = 50_000;

  final RedisServers servers;
  public final Duration timeout;
  final Deadlines deadlines;
  public final RefusedCalls refusedCalls = new RefusedCalls(log::warn, System::nanoTime);
  final Executor calls; // a loop's thread must be the only one that takes Lettuce's locks
  final Executor answers;
  final Logins logins;
  private final LinkResources resources;
  private final FunctionClient client;

  /**
   * @param loop serves the connections; null for a thread of their own
   */
  Connections(RedisServers servers, Duration timeout, @Nullable SocketLoop loop) {
    this.servers = servers;
    this.timeout = timeout;
    logins = new Logins(servers.login());
    if (loop == null) {
      calls = Runnable::run;
      answers = Runnable::run;
      resources = new LinkResources(null);
      deadlines =
          new Deadlines(timeout.toNanos(), resources::afterOnEventLoop, answers, System::nanoTime);
    } else {
      LoopEvents events = LoopEvents.on(loop);
      calls = events;
      answers = loop::begin;
      resources = new LinkResources(events);
      deadlines =
          new Deadlines(
              timeout.toNanos(),
              (nanos, task) -> {
                var _ = loop.executeAfter(task, nanos);
              },
              answers,
              System::nanoTime);
    }
    client = new FunctionClient(resources, options(servers.tls()));
  }

  private static ClientOptions options(RedisServers.@Nullable Tls tls) {
    return ClientOptions.builder()
        .autoReconnect(false)
        .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
        .requestQueueSize(MAX_QUEUED)
        .pingBeforeActivateConnection(true)
        // Deadlines times the calls: Lettuce's timer would end them first, with another exception
        .timeoutOptions(TimeoutOptions.builder().timeoutCommands(false).build())
        .sslOptions(
            tls == null
                ? SslOptions.create()
                : SslOptions.builder().jdkSslProvider().sslContext(to -> apply(tls, to)).build())
        .socketOptions(
            SocketOptions.builder()
                .connectTimeout(CONNECT_TIMEOUT)
                .tcpNoDelay(true)
                .keepAlive(true)
                .build())
        .build();
  }

  private static void apply(RedisServers.Tls tls, SslContextBuilder to) {
    if (!tls.authorities().isEmpty()) {
      to.trustManager(tls.authorities().toArray(X509Certificate[]::new));
    }
    if (tls.privateKey() != null) {
      to.keyManager(tls.privateKey(), tls.chain().toArray(X509Certificate[]::new));
    }
  }

  /** Loads the slowest of Lettuce's and Netty's classes. */
  public static void prepare() {
    var _ = options(null);
    var _ = Unpooled.EMPTY_BUFFER.isReadable(); // probes the JVM's features
    var _ = new FlushConsolidationHandler().isSharable(); // the first annotation takes 20 ms
  }

  /**
   * Connects to a server that holds data.
   *
   * @throws io.lettuce.core.RedisException when it does not answer, or refuses
   */
  public FunctionConnection connect(InetSocketAddress address) {
    RedisURI uri = uri(address, logins.now());
    uri.setDatabase(servers.database());
    return client.connect(uri);
  }

  /**
   * Connects to a sentinel.
   *
   * @param anonymous without user and password
   */
  FunctionConnection connectToSentinel(InetSocketAddress address, boolean anonymous) {
    return client.connect(uri(address, anonymous ? RedisServers.Login.NONE : logins.now()));
  }

  private RedisURI uri(InetSocketAddress address, RedisServers.Login login) {
    RedisURI.Builder uri =
        RedisURI.builder()
            .withHost(address.getHostString())
            .withPort(address.getPort())
            .withSsl(servers.tls() != null)
            .withTimeout(CONNECT_TIMEOUT);
    String password = login.password();
    if (password != null) {
      // Any other provider would be asked on another thread
      uri.withAuthentication(new StaticCredentialsProvider(login.user(), password.toCharArray()));
    }
    return uri.build();
  }

  @Override
  public void close() {
    deadlines.close();
    var _ =
        client
            .shutdownAsync(0, CLOSE_SECONDS, TimeUnit.SECONDS)
            .completeOnTimeout(null, CLOSE_SECONDS, TimeUnit.SECONDS) // the shutdown could hang
            .exceptionally(failure -> null)
            .join();
    var _ = resources.shutdown(0, CLOSE_SECONDS, TimeUnit.SECONDS);
  }
}
