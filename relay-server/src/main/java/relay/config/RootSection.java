package relay.config;

import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.section;

import java.util.ArrayList;
import java.util.List;

/** Reads the whole file. */
final class RootSection {
  static final int MAX_PROVIDERS = 1000;
  private static final String NO_PROVIDER = "give at least one provider";

  static final SchemaNode FORM = section("Relay's configuration").need("providers");
  private static final String SERVER = FORM.declare("server", ServerSection.FORM);
  private static final String REDIS = FORM.declare("redis", RedisSection.FORM);
  private static final String PROVIDERS =
      FORM.declare("providers", list("The pools of keys", ProviderSection.FORM, MAX_PROVIDERS));
  private static final String ROUTING = FORM.declare("routing", RoutingSection.FORM);

  static {
    BudgetSection.declarePrices(FORM);
  }

  private static final String LOGGING = FORM.declare("logging", LoggingSection.FORM);

  private RootSection() {}

  /** The result is usable only if no fault was reported. */
  static Config read(Value value) {
    Section root = value.section();
    // Clients refer to providers, so read providers first. Take the sections in the documented
    // order: suggestions list names in the order of the calls.
    Section server = root.section(SERVER);
    Section redis = root.section(REDIS);
    Uniques<String> names =
        new Uniques<>(root.faults(), "the same name as", "give each provider its own name");
    List<ProviderConfig> providers = providers(root, names);
    Config config =
        new Config(
            ServerSection.read(server, names.values()),
            RedisSection.read(redis),
            providers,
            RoutingSection.read(root.section(ROUTING), names.values()),
            BudgetSection.prices(root),
            LoggingSection.read(root.section(LOGGING)));
    root.done();
    BudgetSection.check(root, config.server().auth(), providers, config.prices());
    return config;
  }

  private static List<ProviderConfig> providers(Section root, Uniques<String> names) {
    List<ProviderConfig> providers = new ArrayList<>();
    Value list = root.need(PROVIDERS, NO_PROVIDER);
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
}
