package relay.operate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import relay.carrier.Carriers;
import relay.config.Config;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.RedisUrl;
import relay.upstream.ProviderApi;
import relay.upstream.Upstream;
import relay.upstream.UpstreamAnswer;
import relay.upstream.UpstreamCall.Outcome;

/**
 * Tries what a configuration connects to: Redis, and each provider with each key, by a call that
 * costs nothing.
 */
final class ConnectCheck {
  /** A person waits. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private static final int FIRST_FAULT = 500;

  /** What a try found. */
  record Finding(boolean isGood, String text) {
    private static Finding good(String text) {
      return new Finding(true, text);
    }

    private static Finding fault(String text) {
      return new Finding(false, text);
    }
  }

  private ConnectCheck() {}

  /** Tries all; blocks for as long as the slowest provider takes. */
  static List<Finding> of(Config config) {
    List<Finding> findings = new ArrayList<>();
    findings.add(redis(config));
    Duration connect = config.server().connectTimeout();
    try (Carriers carriers = new Carriers("check", 1);
        Upstream upstream = new Upstream(carriers, connect, SILENCE, SILENCE, () -> false)) {
      List<CompletableFuture<List<Finding>>> providers = new ArrayList<>();
      for (ProviderConfig provider : config.enabledProviders()) {
        ProviderApi api = new ProviderApi(upstream, provider, connect, null);
        providers.add(CompletableFuture.supplyAsync(() -> keys(api), carriers));
      }
      providers.forEach(provider -> findings.addAll(provider.join()));
    }
    return findings;
  }

  private static Finding redis(Config config) {
    RedisUrl url = config.redis().url();
    if (url == null) {
      return Finding.good("Redis: the embedded one, which starts with Relay");
    }
    try (RedisAccess redis = RedisAccess.of(config, url)) {
      redis.present();
      return Finding.good("Redis at " + url.addresses() + ": answers");
    } catch (OperationFailed e) {
      return Finding.fault(e.text());
    }
  }

  /** One after the other: a provider may refuse many at once. */
  private static List<Finding> keys(ProviderApi api) {
    List<Finding> findings = new ArrayList<>();
    for (KeyConfig key : api.config().keys()) {
      String name = "provider %s, key %s: ".formatted(api.config().name(), key.id());
      switch (api.probe(key.id()).execute()) {
        case Outcome.Answered(UpstreamAnswer answer) -> {
          try (answer) {
            findings.add(answered(name, api, answer.status()));
          }
        }
        case Outcome.Silent _ ->
            findings.add(Finding.fault(name + "no answer within " + SILENCE.toSeconds() + " s"));
        case Outcome.Broken broken -> findings.add(Finding.fault(name + broken.why().text()));
      }
    }
    return findings;
  }

  private static Finding answered(String name, ProviderApi api, int status) {
    if (status == 401 || status == 403) {
      String host = api.config().baseUrl().getHost();
      return Finding.fault(
          "%srefused with %d; is it right, still valid, and of %s?".formatted(name, status, host));
    }
    return status >= FIRST_FAULT
        ? Finding.fault(name + "the provider fails with " + status)
        : Finding.good(name + "accepted");
  }
}
