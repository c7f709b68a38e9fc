package relay.operate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import relay.config.Config;
import relay.config.PriceConfig;
import relay.config.ProviderConfig;
import relay.config.ServerConfig.Client;

/**
 * Models that a provider without a list may get from a client with a budget in dollars, and that
 * have no price by the name they have there. Only names that the configuration tells are known.
 */
final class UnpricedModels {
  private static final int SHOWN = 5;

  private UnpricedModels() {}

  /** A warning for each such provider. */
  static List<String> warnings(Config config) {
    List<String> warnings = new ArrayList<>();
    for (ProviderConfig provider : config.enabledProviders()) {
      Set<String> models =
          provider.models().isEmpty()
              ? of(config, provider, config.server().auth().clients())
              : Set.of();
      if (!models.isEmpty()) {
        warnings.add(
            ("provider %s takes any model, and prices has none of %s: under an enforced budget in"
                    + " usd a request for it does not go there, otherwise it counts 0 dollars; give"
                    + " a price, or list the provider's models")
                .formatted(provider.name(), shown(models)));
      }
    }
    return warnings;
  }

  private static Set<String> of(Config config, ProviderConfig provider, List<Client> clients) {
    Set<String> models = new TreeSet<>();
    for (Client client : clients) {
      if (client.countsDollars() && client.mayUseProvider(provider.name())) {
        config.enabledProviders().stream()
            .filter(other -> other.dialect() == provider.dialect())
            .filter(other -> client.mayUseProvider(other.name()))
            .flatMap(other -> other.namedModels().stream())
            .filter(client::mayUseModel)
            .filter(model -> !isPriced(config, provider.upstreamModel(model)))
            .forEach(models::add);
      }
    }
    return models;
  }

  private static boolean isPriced(Config config, String model) {
    return PriceConfig.of(config.prices(), model) != null;
  }

  private static String shown(Set<String> models) {
    String first = models.stream().limit(SHOWN).collect(Collectors.joining(", "));
    int more = models.size() - SHOWN;
    return more > 0 ? first + " and " + more + " more" : first;
  }
}
