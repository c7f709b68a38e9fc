package relay.upstream;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.Secret;
import relay.model.Dialect;

/** A provider as requests see it: where they go, and with which credential. */
public final class ProviderApi {
  private static final int REMEMBERED_URLS = 256;
  private static final String ANTHROPIC_VERSION = "2023-06-01";

  private final Upstream upstream;
  private final ProviderConfig config;
  private final String base;
  private final Map<String, Secret> secrets;
  private final Map<String, HttpUrl> urls = new ConcurrentHashMap<>();

  public ProviderApi(Upstream upstream, ProviderConfig config) {
    this.upstream = upstream;
    this.config = config;
    String url = config.baseUrl().toString();
    // Paths begin with /v1: one that ends the base URL is not doubled.
    base = url.endsWith("/v1") ? url.substring(0, url.length() - 3) : url;
    secrets =
        config.keys().stream()
            .collect(Collectors.toUnmodifiableMap(KeyConfig::id, KeyConfig::secret));
  }

  /** The provider's configuration. */
  public ProviderConfig config() {
    return config;
  }

  /**
   * Begins a request to the provider.
   *
   * @param path path and query
   */
  public UpstreamRequest request(String path) {
    return new UpstreamRequest(url(path));
  }

  /** The request as a call on a key; nothing is sent yet. */
  public UpstreamCall call(UpstreamRequest request, String keyId, byte[] body) {
    request.credential(config.dialect(), secret(keyId));
    return upstream.call(request.build(body), request.trace());
  }

  /**
   * A call that costs nothing, whose answer shows whether the provider accepts a key: the list of
   * its models. Nothing is sent yet.
   */
  public UpstreamCall probe(String keyId) {
    UpstreamRequest request = request("/v1/models");
    if (config.dialect() == Dialect.ANTHROPIC) {
      request.header("anthropic-version", ANTHROPIC_VERSION);
    }
    request.credential(config.dialect(), secret(keyId));
    return upstream.call(request.buildGet(), request.trace());
  }

  private Secret secret(String keyId) {
    Secret secret = secrets.get(keyId);
    if (secret == null) {
      throw new IllegalStateException("provider " + config.name() + " has no key " + keyId);
    }
    return secret;
  }

  /** Whether a key of this id can be used: another replica's configuration may know more. */
  public boolean knows(@Nullable String keyId) {
    return keyId != null && secrets.containsKey(keyId);
  }

  /** Clients use few paths: their URLs are parsed once. */
  private HttpUrl url(String path) {
    HttpUrl known = urls.get(path);
    if (known != null) {
      return known;
    }
    HttpUrl url = HttpUrl.get(base + path);
    if (urls.size() < REMEMBERED_URLS) {
      urls.put(path, url);
    }
    return url;
  }
}
