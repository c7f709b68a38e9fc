package relay.admin;

import io.undertow.Undertow;
import java.util.Collection;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.UsageTally;

/** The listener for operators. One I/O thread is enough, and leaves the clients' undisturbed. */
public final class AdminServer implements AutoCloseable {
  private final Undertow undertow;

  public AdminServer(
      ServerConfig server,
      Supplier<Readiness> readiness,
      Supplier<String> metrics,
      Supplier<Collection<KeyPool>> pools,
      Function<String, ProviderBreaker> breakers,
      @Nullable KeyPool clientLimits,
      UsageTally clientUse) {
    undertow =
        Undertow.builder()
            .addHttpListener(server.adminListen().port(), server.adminListen().host())
            .setIoThreads(1)
            .setWorkerThreads(1)
            .setHandler(
                new AdminPlane(
                    server, readiness, metrics, pools, breakers, clientLimits, clientUse))
            .build();
  }

  /** Listens from now on. */
  public void start() {
    undertow.start();
  }

  @Override
  public void close() {
    undertow.stop();
  }
}
