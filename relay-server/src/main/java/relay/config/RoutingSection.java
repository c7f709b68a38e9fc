package relay.config;

import static relay.config.SchemaNode.map;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import relay.config.Value.Scalar;

/** Reads {@code routing}. Providers must be read first, because it refers to them by name. */
final class RoutingSection {
  private static final int MAX_PREFIXES = 10_000;

  static final SchemaNode FORM = section("Between providers that serve the same model");
  private static final Setting<RoutingConfig.Strategy> STRATEGY =
      FORM.choice("strategy", RoutingConfig.DEFAULT.strategy(), "Which provider is asked first");
  private static final String MODEL_MAPPING =
      FORM.declare(
          "model_mapping",
          map(
              "model_based: from the beginning of a model's name to a provider",
              text("A provider's name", TextSettings.NAME)));
  private static final String DEFAULT_PROVIDER =
      FORM.declare("default_provider", text("First in failover", TextSettings.NAME));

  private final Section routing;
  private final Set<String> providers;

  private RoutingSection(Section routing, Set<String> providers) {
    this.routing = routing;
    this.providers = providers;
  }

  static RoutingConfig read(Section routing, Set<String> providers) {
    return new RoutingSection(routing, providers).read();
  }

  private RoutingConfig read() {
    RoutingConfig.Strategy strategy = STRATEGY.in(routing);
    Map<String, String> mapping = mapping();
    Value byDefault = routing.take(DEFAULT_PROVIDER);
    String name = byDefault == null ? null : provider(byDefault);
    routing.done();
    return new RoutingConfig(strategy, mapping, name);
  }

  private Map<String, String> mapping() {
    Value value = routing.take(MODEL_MAPPING);
    Map<String, String> mapping = new LinkedHashMap<>();
    if (value == null) {
      return mapping;
    }
    Map<String, Value> entries = value.section().all();
    if (entries.size() > MAX_PREFIXES) {
      value.fault("is too long", "allowed: at most " + MAX_PREFIXES + " prefixes");
      return mapping;
    }
    entries.forEach(
        (prefix, to) -> {
          if (!TextSettings.isModel(prefix)) {
            to.refuse(
                "has a left side that is not a model name prefix",
                "the first characters of model names");
          }
          String provider = provider(to);
          if (provider != null) {
            mapping.put(prefix, provider);
          }
        });
    return mapping;
  }

  /** The name of a provider; null after a fault. */
  private @Nullable String provider(Value value) {
    Scalar scalar = value.text("the name of a provider");
    if (scalar == null) {
      return null;
    }
    if (!providers.contains(scalar.text())) {
      value.fault(
          scalar.shown() + " is not a provider", FaultWording.allowed(new TreeSet<>(providers)));
      return null;
    }
    return scalar.text();
  }
}
