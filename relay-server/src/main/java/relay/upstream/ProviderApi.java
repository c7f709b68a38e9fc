package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.bedrock.MachineKeys;
import relay.bedrock.RequestSigner;
import relay.body.Payload;
import relay.config.Cloud;
import relay.config.Credential;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.Secret;
import relay.config.ServiceTiers;
import relay.model.Dialect;
import relay.token.TokenCache;
import relay.upstream.UpstreamCall.FailureCause;

/** A provider's URLs and credentials: builds requests and calls. */
public final class ProviderApi {
  private static final Logger log = LoggerFactory.getLogger(ProviderApi.class);
  private static final int LEAST_ACCOUNT = 4; // letters: a shorter id is in any text
  private static final String ANTHROPIC_VERSION = "2023-06-01";

  private final Upstream upstream;
  private final ConnectionSlots lanes;
  private final Duration connectTimeout;
  private final ProviderConfig config;
  private final ProviderProtocol wire;
  private final Map<String, KeyCredential> credentials;
  private final UrlCache urls;
  private final ServiceTiers tiers;
  private final FailureLog failures;
  private volatile @Nullable ProviderApi successor;

  /**
   * @param previous the same provider under the configuration before; its connections and its keys'
   *     tokens are used on as far as they still fit
   */
  public ProviderApi(
      Upstream upstream,
      ProviderConfig config,
      Duration connectTimeout,
      @Nullable ProviderApi previous) {
    this.upstream = upstream;
    this.connectTimeout = connectTimeout;
    lanes =
        previous != null
                && previous.connectTimeout.equals(connectTimeout)
                && previous.config.access().equals(config.access())
                && isSameServer(previous.config.baseUrl(), config.baseUrl())
            ? previous.lanes
            : upstream.lanes(
                config.baseUrl(),
                config.access(),
                Http2Providers.names(config.name()),
                connectTimeout);
    this.config = config;
    failures = new FailureLog(config.name(), log::warn, System::nanoTime);
    String url = config.baseUrl().toString();
    // Paths start with /v1: drop a /v1 at the end of the base URL.
    urls = new UrlCache(url.endsWith("/v1") ? url.substring(0, url.length() - 3) : url);
    wire = ProviderProtocol.of(config);
    tiers = config.tiers();
    Map<String, KeyCredential> known = previous == null ? Map.of() : previous.keptBy(config);
    credentials =
        config.keys().stream()
            .collect(
                Collectors.toUnmodifiableMap(
                    KeyConfig::id,
                    key -> {
                      KeyCredential kept = known.get(key.id());
                      return kept == null ? credential(key) : kept;
                    }));
  }

  private static boolean isSameServer(URI one, URI other) {
    return one.getScheme().equals(other.getScheme())
        && one.getAuthority().equals(other.getAuthority());
  }

  /** The credentials that another configuration has, too: they may hold tokens. */
  private Map<String, KeyCredential> keptBy(ProviderConfig next) {
    Map<String, KeyCredential> kept = new HashMap<>();
    if (config.type() == next.type()
        && config.cloud().equals(next.cloud())
        && config.api().equals(next.api())
        && config.access().equals(next.access())) {
      Map<String, Credential> before = new HashMap<>();
      config.keys().forEach(key -> before.put(key.id(), key.credential()));
      for (KeyConfig key : next.keys()) {
        KeyCredential here = credentials.get(key.id());
        if (here != null && key.credential().equals(before.get(key.id()))) {
          kept.put(key.id(), here);
        }
      }
    }
    return kept;
  }

  /** Whether both use the same connections. */
  public boolean sharesConnectionsWith(ProviderApi other) {
    return lanes == other.lanes;
  }

  /** A changed configuration is about to hold: keys that only it has are looked for there. */
  public void succeededBy(ProviderApi next) {
    successor = next;
  }

  /**
   * Where a request on this key goes: by the present configuration if it has the key, so that a new
   * secret is used at once; else by the one that the request began with.
   *
   * @return null if neither has it
   */
  public @Nullable ProviderApi having(String keyId) {
    ProviderApi last = knows(keyId) ? this : null;
    for (ProviderApi next = successor; next != null; next = next.successor) {
      if (next.config.type() == config.type() && next.knows(keyId)) {
        last = next;
      }
    }
    return last;
  }

  /** Closes its connections, those in use when their answers have ended. */
  public void close() {
    upstream.retire(lanes);
  }

  private KeyCredential credential(KeyConfig key) {
    return switch (key.credential()) {
      case Credential.None _ -> KeyCredential.none();
      case Credential.ApiKey(Secret secret) -> {
        String header =
            config.cloud() instanceof Cloud.Azure ? "api-key" : config.api().keyHeader();
        yield header.isEmpty()
            ? KeyCredential.apiKey(config.dialect(), secret)
            : KeyCredential.header(header, secret);
      }
      case Credential.EntraApp app -> {
        TokenCache.Fetch tokens =
            upstream.entraTokens(config.access(), (Cloud.Azure) config.cloud(), app);
        yield new TokenCredential(config.name() + "/" + key.id(), tokens);
      }
      case Credential.EntraWorkload workload -> {
        TokenCache.Fetch tokens =
            upstream.entraTokens(config.access(), (Cloud.Azure) config.cloud(), workload);
        yield new TokenCredential(config.name() + "/" + key.id(), tokens);
      }
      case Credential.AzureIdentity identity -> {
        TokenCache.Fetch tokens =
            upstream.entraTokens(config.access(), (Cloud.Azure) config.cloud(), identity);
        yield new TokenCredential(config.name() + "/" + key.id(), tokens);
      }
      case Credential.GoogleFederation federation ->
          new TokenCredential(
              config.name() + "/" + key.id(), upstream.googleTokens(config.access(), federation));
      case Credential.GoogleMachine _ ->
          new TokenCredential(
              config.name() + "/" + key.id(), upstream.googleMachineTokens(config.access()));
      case Credential.AwsKey aws -> new SignedCredential(signer(aws));
      case Credential.AwsMachine _ ->
          new MachineCredential(
              TokenCredential.cache(new MachineKeys(InstantSource.system())),
              found -> signer(MachineKeys.keyOf(found)));
      case Credential.ServiceAccount account ->
          new TokenCredential(
              config.name() + "/" + key.id(), upstream.googleTokens(config.access(), account));
    };
  }

  private RequestSigner signer(Credential.AwsKey key) {
    return new RequestSigner(
        key,
        ((Cloud.Bedrock) config.cloud()).region(),
        config.api().isNative() ? "bedrock-mantle" : "bedrock",
        Clock.systemUTC());
  }

  /** Logs why an attempt got no answer. Writes few lines, however many attempts fail. */
  public void logFailure(FailureCause cause, Throwable failure) {
    failures.report(cause, failure);
  }

  /** The provider's configuration. */
  public ProviderConfig config() {
    return config;
  }

  /** The service tiers that its API is known to have. */
  public ServiceTiers tiers() {
    return tiers;
  }

  /**
   * Begins a request to the provider.
   *
   * @param target the client's path and query
   * @param model the provider's name of the model; empty if none is known
   * @param stream whether the client requests a streamed response
   */
  public UpstreamRequest request(String target, String model, boolean stream) {
    return new UpstreamRequest(urls.of(wire.path(target, model, stream)));
  }

  /** Whether a request must be known as a whole before its first byte is sent. */
  public boolean signsBodies() {
    return config.cloud() instanceof Cloud.Bedrock;
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
    UpstreamRequest request = new UpstreamRequest(urls.of(probe.path()));
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

  /** A text without the secret and the account of this key. */
  public String withoutSecret(String keyId, String text) {
    String cleaned = text;
    for (KeyConfig key : config.keys()) {
      if (key.id().equals(keyId)) {
        if (key.credential() instanceof Credential.ApiKey(Secret secret)) {
          cleaned = cleaned.replace(secret.reveal(), "[removed]");
        }
        if (!key.account().equals(key.id()) && key.account().length() >= LEAST_ACCOUNT) {
          cleaned = cleaned.replace(key.account(), "[removed]");
        }
      }
    }
    return cleaned;
  }

  /**
   * Whether this replica has a key with the id: another replica's configuration may have more keys.
   */
  public boolean knows(@Nullable String keyId) {
    return keyId != null && credentials.containsKey(keyId);
  }
}
