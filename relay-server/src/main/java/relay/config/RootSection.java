package relay.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import relay.config.LoggingConfig.Format;
import relay.config.LoggingConfig.Level;

/** Reads the whole file. */
final class RootSection {
  static final int MAX_PROVIDERS = 1000;
  private static final String NO_PROVIDER = "give at least one provider";

  private RootSection() {}

  /** The result is usable only if no fault was reported. */
  static Config read(Value value) {
    Section root = value.section();
    // Clients refer to providers, so read providers first. Take the sections in the documented
    // order: suggestions list names in the order of the calls.
    Section server = root.section("server");
    Section redis = root.section("redis");
    Uniques<String> names =
        new Uniques<>(root.faults(), "the same name as", "give each provider its own name");
    List<ProviderConfig> providers = providers(root, names);
    Config config =
        new Config(
            ServerSection.read(server, names.values()),
            RedisSection.read(redis),
            providers,
            RoutingSection.read(root.section("routing"), names.values()),
            BudgetSection.prices(root),
            logging(root.section("logging")));
    root.done();
    BudgetSection.check(root, config.server().auth(), providers, config.prices());
    return config;
  }

  private static List<ProviderConfig> providers(Section root, Uniques<String> names) {
    List<ProviderConfig> providers = new ArrayList<>();
    Value list = root.need("providers", NO_PROVIDER);
    List<Value> entries = list == null ? null : list.list(MAX_PROVIDERS, "a list of providers");
    if (list == null || entries == null) {
      return providers;
    }
    if (entries.isEmpty()) {
      list.fault("is empty", NO_PROVIDER);
    }
    boolean allRead = !entries.isEmpty();
    for (Value entry : entries) {
      ProviderConfig provider = ProviderSection.read(entry.section(), names);
      allRead &= provider != null;
      if (provider != null) {
        providers.add(provider);
      }
    }
    if (allRead && providers.stream().noneMatch(ProviderConfig::enabled)) {
      list.fault("has no provider that is enabled", NO_PROVIDER + " without enabled: false");
    }
    return providers;
  }

  private static LoggingConfig logging(Section logging) {
    LoggingConfig config =
        new LoggingConfig(
            ScalarSettings.choice(logging, "level", Level.INFO, Set.of()),
            ScalarSettings.choice(logging, "format", Format.AUTO, Set.of()),
            ScalarSettings.flag(logging, "requests", true),
            ScalarSettings.ratio(logging, "requests_ratio", 1));
    logging.done();
    return config;
  }
}
