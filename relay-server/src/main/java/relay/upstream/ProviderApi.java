package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.config.Cloud;
import relay.config.Credential;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.Secret;
import relay.model.Dialect;
import relay.token.TokenCache;
import relay.vertex.ServiceAccountTokens;

/** A provider's URLs and credentials: builds requests and calls. */
public final class ProviderApi {
  private static final int REMEMBERED_URLS = 256;
  private static final String ANTHROPIC_VERSION = "2023-06-01";

  private final Upstream upstream;
  private final ConnectionSlots lanes;
  private final ProviderConfig config;
  private final String base;
  private final ProviderProtocol wire;
  private final Map<String, KeyCredential> credentials;
  private final Map<String, HttpUrl> urls = new ConcurrentHashMap<>();

  public ProviderApi(Upstream upstream, ProviderConfig config) {
    this.upstream = upstream;
    lanes = upstream.lanes(config.baseUrl().getScheme().equals("https"));
    this.config = config;
    String url = config.baseUrl().toString();
    // Paths start with /v1: drop a /v1 at the end of the base URL.
    base = url.endsWith("/v1") ? url.substring(0, url.length() - 3) : url;
    wire = ProviderProtocol.of(config);
    credentials =
        config.keys().stream()
            .collect(Collectors.toUnmodifiableMap(KeyConfig::id, this::credential));
  }

  private KeyCredential credential(KeyConfig key) {
    return switch (key.credential()) {
      case Credential.None _ -> KeyCredential.none();
      case Credential.ApiKey(Secret secret) ->
          config.cloud() instanceof Cloud.Azure
              ? KeyCredential.header("api-key", secret)
              : KeyCredential.apiKey(config.dialect(), secret);
      case Credential.EntraApp app -> {
        TokenCache.Fetch tokens = upstream.entraTokens((Cloud.Azure) config.cloud(), app);
        yield new TokenCredential(config.name() + "/" + key.id(), tokens);
      }
      case Credential.AwsKey aws ->
          new SignedCredential(aws, ((Cloud.Bedrock) config.cloud()).region());
      case Credential.ServiceAccount account ->
          new TokenCredential(config.name() + "/" + key.id(), new ServiceAccountTokens(account));
    };
  }

  /** The provider's configuration. */
  public ProviderConfig config() {
    return config;
  }

  /**
   * Begins a request to the provider.
   *
   * @param target the client's path and query
   * @param model the provider's name of the model; empty if none is known
   * @param stream whether the client requests a streamed response
   */
  public UpstreamRequest request(String target, String model, boolean stream) {
    return new UpstreamRequest(url(wire.path(target, model, stream)));
  }

  /** Whether the provider supports a path of Relay's API. */
  public boolean serves(String path) {
    return wire.serves(path);
  }

  /** Creates a call with a key. Sends nothing yet. */
  public UpstreamCall call(UpstreamRequest request, String keyId, Payload body) {
    return upstream.call(lanes, request, wire, credential(keyId), body);
  }

  /**
   * Creates a free call that shows whether the provider accepts a key: 401 and 403 mean no. Sends
   * nothing yet.
   */
  public UpstreamCall probe(String keyId) {
    ProviderProtocol.Probe probe = wire.probe();
    UpstreamRequest request = new UpstreamRequest(url(probe.path()));
    request.method(probe.method());
    if (config.dialect() == Dialect.ANTHROPIC) {
      request.header("anthropic-version", ANTHROPIC_VERSION);
    }
    Payload body = Payload.of(probe.body().getBytes(UTF_8));
    return upstream.call(lanes, request, wire, credential(keyId), body);
  }

  private KeyCredential credential(String keyId) {
    KeyCredential credential = credentials.get(keyId);
    if (credential == null) {
      throw new IllegalStateException("provider " + config.name() + " has no key " + keyId);
    }
    return credential;
  }

  /**
   * Whether this replica has a key with the id: another replica's configuration may have more keys.
   */
  public boolean knows(@Nullable String keyId) {
    return keyId != null && credentials.containsKey(keyId);
  }

  /** Caches parsed URLs: clients use few paths. */
  private HttpUrl url(String path) {
    HttpUrl known = urls.get(path);
    if (known != null) {
      return known;
    }
    HttpUrl url = ExactUrl.of(base + path);
    if (urls.size() < REMEMBERED_URLS) {
      urls.put(path, url);
    }
    return url;
  }
}
