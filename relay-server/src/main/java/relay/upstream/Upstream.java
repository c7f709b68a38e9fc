package relay.upstream;

import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.Dns;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.config.Cloud;
import relay.config.Credential;
import relay.config.ProviderAccess;
import relay.config.ProxyUrl;
import relay.token.TokenCache;
import relay.vertex.GoogleTokens;

/**
 * The connections to all providers.
 *
 * <p>Some OkHttp defaults do not fit a relay: silent retries and redirects, a pool whose cost grows
 * with its connections (see {@link ConnectionSlots}), and Nagle's algorithm, which delays a
 * request's end until its start is acknowledged. The dispatcher's limits do not apply, because all
 * calls here are blocking.
 */
public final class Upstream implements AutoCloseable {
  private static final int IDLE_CONNECTIONS = 10_000;
  private static final int HTTPS_PORT = 443;

  private static final Duration IDLE_CONNECTION_LIFE = Duration.ofMinutes(5);

  /** While descriptors are short. Connections of the present load are used more often. */
  private static final long SHORT_LIFE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Carriers carriers;
  private final BooleanSupplier descriptorsAreShort;
  private final OkHttpClient plain;
  private final Map<Protocol, CompletableFuture<OkHttpClient>> secure =
      new EnumMap<>(Protocol.class);
  private final NameLookups names;
  private final IdleWatch idleWatch;
  private final List<ConnectionSlots> lanes = new CopyOnWriteArrayList<>();

  /**
   * @param carriers the carriers that run the calls and wait for their sockets
   * @param pingPause between pings of an HTTP/2 connection; it is closed if one is unanswered when
   *     the next is due
   * @param descriptorsAreShort whether idle connections should be closed soon
   */
  public Upstream(
      Carriers carriers,
      Duration connectTimeout,
      Duration idleTimeout,
      Duration pingPause,
      BooleanSupplier descriptorsAreShort) {
    this.carriers = carriers;
    this.descriptorsAreShort = descriptorsAreShort;
    names = new NameLookups(Dns.SYSTEM, connectTimeout);
    idleWatch = new IdleWatch(idleTimeout, this::closeOld);
    plain =
        new OkHttpClient.Builder()
            .dns(names)
            .proxy(Proxy.NO_PROXY)
            .socketFactory(carriers.sockets(0, ReadWait::announce, ConnectTime::left))
            .connectionPool(connections())
            .eventListenerFactory(AttemptTrace.FACTORY)
            .connectionSpecs(List.of(ConnectionSpec.CLEARTEXT))
            .protocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1))
            .connectTimeout(connectTimeout)
            .readTimeout(Duration.ZERO) // IdleWatch does this
            .writeTimeout(Duration.ZERO)
            .pingInterval(pingPause)
            .retryOnConnectionFailure(false)
            .followRedirects(false)
            .followSslRedirects(false)
            .build();
  }

  /**
   * Runs on a separate thread: closing a TLS connection may block. Returns whether descriptors are
   * short.
   */
  private boolean closeOld() {
    boolean areShort = descriptorsAreShort.getAsBoolean();
    if (lanes.stream().anyMatch(ConnectionSlots::hasIdle)) {
      Consumer<ConnectionSlots> close =
          areShort ? there -> there.closeOlder(SHORT_LIFE_NANOS) : ConnectionSlots::closeOld;
      Thread.ofVirtual().start(() -> lanes.forEach(close));
    }
    return areShort;
  }

  private static ConnectionPool connections() {
    return new ConnectionPool(IDLE_CONNECTIONS, IDLE_CONNECTION_LIFE.toSeconds(), TimeUnit.SECONDS);
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

  /**
   * Connections to one provider.
   *
   * @param server its base URL
   * @param http2 whether to offer HTTP/2 to it, if it has TLS
   */
  ConnectionSlots lanes(URI server, ProviderAccess access, boolean http2, Duration connectTimeout) {
    boolean tls = server.getScheme().equalsIgnoreCase("https");
    ProviderClients own =
        new ProviderClients(
            tls && http2 ? Protocol.HTTP_2 : Protocol.HTTP_1_1,
            tls
                ? protocol -> own(server, access, protocol, connectTimeout)
                : _ -> CompletableFuture.completedFuture(with(connectTimeout, plain).build()));
    ConnectionSlots made = new ConnectionSlots(own, carriers, IDLE_CONNECTION_LIFE, tls && http2);
    lanes.add(made);
    return made;
  }

  /** A client with TLS for one provider. */
  private CompletableFuture<OkHttpClient> own(
      URI server, ProviderAccess access, Protocol preferred, Duration connectTimeout) {
    return secure(preferred)
        .thenApplyAsync(
            shared -> {
              OkHttpClient.Builder builder = with(connectTimeout, shared);
              ProviderTls.apply(access.tls(), preferred, builder);
              ProxyTunnel.apply(proxy(access, server), builder);
              return builder.build();
            });
  }

  /** A pool of its own, which goes with the provider. */
  private static OkHttpClient.Builder with(Duration connectTimeout, OkHttpClient shared) {
    return shared.newBuilder().connectionPool(connections()).connectTimeout(connectTimeout);
  }

  /**
   * The client with TLS. It loads all CA certificates, which takes a tenth of the start time, so it
   * is created in the background and only if needed.
   */
  private synchronized CompletableFuture<OkHttpClient> secure(Protocol preferred) {
    return secure.computeIfAbsent(
        preferred, _ -> CompletableFuture.supplyAsync(() -> secured(preferred)));
  }

  private OkHttpClient secured(Protocol preferred) {
    OkHttpClient.Builder builder =
        plain
            .newBuilder()
            .connectionSpecs(List.of(ConnectionSpec.MODERN_TLS, ConnectionSpec.CLEARTEXT));
    ProviderTls.applySystem(preferred, builder);
    return builder.build();
  }

  /** Creates a call. Sends nothing yet. */
  UpstreamCall call(
      ConnectionSlots lanesThere,
      UpstreamRequest request,
      ProviderProtocol wire,
      KeyCredential credential,
      Payload body) {
    return new UpstreamCall(lanesThere, idleWatch, request, wire, credential, body);
  }

  private static @Nullable ProxyUrl proxy(ProviderAccess access, URI server) {
    int port = server.getPort() < 0 ? HTTPS_PORT : server.getPort();
    return access.proxy().towards(server.getHost(), port);
  }

  TokenCache.Fetch entraTokens(ProviderAccess access, Cloud.Azure azure, Credential.EntraApp app) {
    return EntraTokens.of(
        tokenClient(access, azure.loginUrl()), azure, app, InstantSource.system());
  }

  TokenCache.Fetch entraTokens(
      ProviderAccess access, Cloud.Azure azure, Credential.EntraWorkload workload) {
    return EntraTokens.of(
        tokenClient(access, azure.loginUrl()), azure, workload, InstantSource.system());
  }

  TokenCache.Fetch entraTokens(
      ProviderAccess access, Cloud.Azure azure, Credential.AzureIdentity identity) {
    return new AzureIdentityTokens(
        tokenClient(access, identity.endpoint()), azure, identity, InstantSource.system());
  }

  TokenCache.Fetch googleTokens(ProviderAccess access, Credential.ServiceAccount account) {
    return GoogleTokens.of(account, googleExchange(access));
  }

  TokenCache.Fetch googleTokens(ProviderAccess access, Credential.GoogleFederation federation) {
    return GoogleTokens.of(federation, googleExchange(access));
  }

  TokenCache.Fetch googleMachineTokens(ProviderAccess access) {
    return GoogleTokens.ofMachine(googleExchange(access));
  }

  private TokenExchange googleExchange(ProviderAccess access) {
    return new TokenExchange(url -> tokenClient(access, URI.create(url)));
  }

  /** For a cloud's token endpoint, which is reached as the provider is. */
  private CompletableFuture<OkHttpClient> tokenClient(ProviderAccess access, URI endpoint) {
    boolean tls = endpoint.getScheme().equalsIgnoreCase("https");
    return (tls ? secure(Protocol.HTTP_1_1) : CompletableFuture.completedFuture(plain))
        .thenApplyAsync(
            shared -> {
              OkHttpClient.Builder builder =
                  shared.newBuilder().callTimeout(TokenCache.LONGEST_FETCH);
              if (tls) {
                ProviderTls.applyForTokens(access.tls(), builder);
                ProxyTunnel.apply(proxy(access, endpoint), builder);
              }
              return builder.build();
            });
  }

  /** Closes idle connections. Running calls finish on their own. */
  @Override
  public void close() {
    idleWatch.close();
    lanes.forEach(ConnectionSlots::closeIdle);
    plain.connectionPool().evictAll();
    plain.dispatcher().executorService().shutdown();
    names.close();
  }
}
