package relay.upstream;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import relay.carrier.Carriers;
import relay.carrier.Payload;
import relay.config.Cloud;
import relay.config.Credential;
import relay.token.TokenCache;

/**
 * The connections to all providers.
 *
 * <p>OkHttp's defaults throttle a relay: silent retries and redirects, a pool that costs more the
 * more connections it holds ({@link ConnectionSlots}), and Nagle's algorithm, which holds the end
 * of a request back until the start was acknowledged. Its dispatcher's limits do not apply to the
 * blocking calls that are made here.
 */
public final class Upstream implements AutoCloseable {
  private static final int IDLE_CONNECTIONS = 10_000;
  private static final Duration IDLE_CONNECTION_LIFE = Duration.ofMinutes(5);

  private final Carriers carriers;
  private final OkHttpClient plain;
  private @Nullable CompletableFuture<OkHttpClient> secure;
  private final NameLookups names = new NameLookups();
  private final IdleWatch idleWatch;
  private final List<ConnectionSlots> lanes = new CopyOnWriteArrayList<>();

  /**
   * @param carriers run the calls, and wait for their sockets
   */
  public Upstream(Carriers carriers, Duration connectTimeout, Duration idleTimeout) {
    this.carriers = carriers;
    idleWatch = new IdleWatch(idleTimeout, this::closeOld);
    plain =
        new OkHttpClient.Builder()
            .dns(names)
            .socketFactory(carriers.sockets(0, ReadWait::announce))
            .connectionPool(connections())
            .eventListenerFactory(AttemptTrace.FACTORY)
            .connectionSpecs(List.of(ConnectionSpec.CLEARTEXT))
            .protocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1))
            .connectTimeout(connectTimeout)
            .readTimeout(Duration.ZERO) // IdleWatch sees to it
            .writeTimeout(Duration.ZERO)
            .retryOnConnectionFailure(false)
            .followRedirects(false)
            .followSslRedirects(false)
            .build();
  }

  /** On another thread than the one that watches: to close a TLS connection may take its time. */
  private void closeOld() {
    Thread.ofVirtual().start(() -> lanes.forEach(ConnectionSlots::closeOld));
  }

  private static ConnectionPool connections() {
    return new ConnectionPool(
        IDLE_CONNECTIONS, IDLE_CONNECTION_LIFE.toSeconds(), TimeUnit.SECONDS);
  }

  /** No call takes them any more: closes them, those in use when their answers have ended. */
  void retire(ConnectionSlots unused) {
    lanes.remove(unused);
    Thread.ofVirtual().start(unused::retire); // to close a TLS connection may take its time
  }

  /** From now on a provider may send no byte for this long. */
  public void idleTimeout(Duration timeout) {
    idleWatch.idleTimeout(timeout);
  }

  /** Connections to one provider. */
  ConnectionSlots lanes(boolean tls, Duration connectTimeout) {
    CompletableFuture<OkHttpClient> client =
        tls ? secure() : CompletableFuture.completedFuture(plain);
    // A pool of its own, which goes with the provider
    CompletableFuture<OkHttpClient> own =
        client.thenApply(
            shared ->
                shared
                    .newBuilder()
                    .connectionPool(connections())
                    .connectTimeout(connectTimeout)
                    .build());
    ConnectionSlots made = new ConnectionSlots(own, carriers, IDLE_CONNECTION_LIFE, tls);
    lanes.add(made);
    return made;
  }

  /**
   * The one that speaks TLS, too. It reads the certificates of all authorities, which takes a tenth
   * of a start: only if it is needed, and beside the rest.
   */
  private synchronized CompletableFuture<OkHttpClient> secure() {
    CompletableFuture<OkHttpClient> known = secure;
    if (known == null) {
      List<ConnectionSpec> all = List.of(ConnectionSpec.MODERN_TLS, ConnectionSpec.CLEARTEXT);
      known = CompletableFuture.supplyAsync(() -> plain.newBuilder().connectionSpecs(all).build());
      secure = known;
    }
    return known;
  }

  /** The request as a call; nothing is sent yet. */
  UpstreamCall call(
      ConnectionSlots lanesThere,
      UpstreamRequest request,
      ProviderProtocol wire,
      KeyCredential credential,
      Payload body) {
    return new UpstreamCall(lanesThere, idleWatch, request, wire, credential, body);
  }

  TokenCache.Fetch entraTokens(Cloud.Azure azure, Credential.EntraApp app) {
    return new EntraTokens(secure(), azure, app, InstantSource.system());
  }

  /** Closes idle connections; calls under way end by themselves. */
  @Override
  public void close() {
    idleWatch.close();
    lanes.forEach(ConnectionSlots::closeIdle);
    plain.connectionPool().evictAll();
    plain.dispatcher().executorService().shutdown();
    names.close();
  }
}
