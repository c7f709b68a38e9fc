package relay.operate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.config.Config;
import relay.config.Credential;
import relay.config.KeyConfig;
import relay.config.LimitsConfig;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Accounts;
import relay.config.ProviderType;
import relay.config.Secret;
import relay.config.ServerConfig.Client;

/** What is valid in a configuration, and hardly meant: {@code relay check} warns of it. */
final class Doubts {
  private static final Pattern ENDPOINT =
      Pattern.compile("/(chat/completions|completions|messages|responses|embeddings)/?$");
  private static final Pattern PLACEHOLDER =
      Pattern.compile("\\{\\{.*|os\\.environ/.*|env\\..*|<.*>|(?i)your[-_ ].*|change-?me|x{4,}");

  /** Their answers tell no limits, as those of some APIs: docs/providers.md. */
  private static final Set<ProviderType> SILENT_TYPES =
      Set.of(ProviderType.ZAI, ProviderType.MINIMAX);

  private Doubts() {}

  /** A line each. */
  static List<String> of(Config config) {
    List<String> doubts = new ArrayList<>();
    for (ProviderConfig provider : config.enabledProviders()) {
      ofEndpoint(provider, doubts);
      ofAccounts(provider, doubts);
      ofLimits(provider, doubts);
      provider.keys().forEach(key -> ofSecret(provider, key, doubts));
    }
    ofBudgets(config, doubts);
    return doubts;
  }

  private static void ofEndpoint(ProviderConfig provider, List<String> doubts) {
    if (ENDPOINT.matcher(String.valueOf(provider.baseUrl().getPath())).find()) {
      doubts.add(
          ("provider %s: base_url %s ends with an endpoint, and Relay appends the client's path, so"
                  + " every request would get a 404; leave out the endpoint")
              .formatted(provider.name(), provider.baseUrl()));
    }
  }

  private static void ofAccounts(ProviderConfig provider, List<String> doubts) {
    List<KeyConfig> keys = provider.keys();
    if (keys.size() > 1
        && provider.accounts() == Accounts.CONFIG
        && provider.type() != ProviderType.OLLAMA
        && keys.stream().allMatch(key -> key.account().equals(key.id()))) {
      doubts.add(
          ("provider %s: %d keys without `account` count as %d accounts, each with limits of its"
                  + " own; keys of one organisation share its limits: give them one `account`")
              .formatted(provider.name(), keys.size(), keys.size()));
    }
  }

  /** Whether the provider's answers state its limits. */
  static boolean tellsLimits(ProviderConfig provider) {
    return provider.api().tellsLimits() && !SILENT_TYPES.contains(provider.type());
  }

  private static void ofLimits(ProviderConfig provider, List<String> doubts) {
    boolean isBounded =
        provider.groups().stream().anyMatch(group -> !group.limits().equals(LimitsConfig.UNKNOWN))
            || provider.keys().stream().anyMatch(key -> key.maxConcurrent() > 0);
    if (!tellsLimits(provider) && !isBounded) {
      doubts.add(
          ("provider %s has no limits, and its answers tell none, so Relay sends it everything;"
                  + " state the limits of its keys")
              .formatted(provider.name()));
    }
  }

  private static void ofSecret(ProviderConfig provider, KeyConfig key, List<String> doubts) {
    if (!(key.credential() instanceof Credential.ApiKey(Secret secret))) {
      return;
    }
    String text = secret.reveal();
    String vendor = vendorOf(text);
    if (PLACEHOLDER.matcher(text).matches()) {
      doubts.add(
          ("provider %s, key %s: the secret looks like a placeholder that nothing replaced; Relay"
                  + " replaces ${NAME} by an environment variable")
              .formatted(provider.name(), key.id()));
    } else if (vendor != null && isOther(provider, vendor)) {
      doubts.add(
          "provider %s, key %s: the secret is one of %s, but the requests go to %s"
              .formatted(provider.name(), key.id(), vendor, provider.baseUrl().getHost()));
    }
  }

  private static @Nullable String vendorOf(String secret) {
    if (secret.startsWith("sk-ant-")) {
      return "Anthropic";
    }
    return secret.startsWith("sk-proj-") || secret.startsWith("sk-svcacct-") ? "OpenAI" : null;
  }

  /** Whether the requests go to the other of the two vendors. Elsewhere a gateway may take it. */
  private static boolean isOther(ProviderConfig provider, String vendor) {
    String host = String.valueOf(provider.baseUrl().getHost());
    return vendor.equals("Anthropic")
        ? host.endsWith("openai.com")
        : host.endsWith("anthropic.com");
  }

  private static void ofBudgets(Config config, List<String> doubts) {
    if (config.redis().url() != null || config.redis().folder() != null) {
      return;
    }
    String names =
        config.server().auth().clients().stream()
            .filter(client -> !client.bounds().budgets().isEmpty())
            .map(Client::name)
            .sorted()
            .collect(Collectors.joining(", "));
    if (!names.isEmpty()) {
      doubts.add(
          "the embedded Redis forgets at each stop, and so do the budgets of %s: set redis.url or redis.folder"
              .formatted(names));
    }
  }
}
