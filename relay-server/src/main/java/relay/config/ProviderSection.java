package relay.config;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.Accounting;
import relay.config.ProviderConfig.Accounts;
import relay.config.ProviderConfig.Affinity;
import relay.config.ProviderConfig.DayStart;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.Pooling;
import relay.config.ProviderConfig.Strategy;
import relay.model.Dialect;
import relay.model.Weights;

/** Reads one entry of {@code providers}. */
final class ProviderSection {
  private static final String TYPES =
      "anthropic, openai, zai, minimax, ollama, azure, bedrock, vertex";
  static final int MAX_ATTEMPTS = 100;
  static final int MAX_CLASSES = 100;
  static final int MAX_WAIT_MS = 86_400_000;
  static final int MIN_WINDOW_MS = 500;
  static final double MAX_HEADROOM = 0.4;
  static final double MAX_FLOOR = 0.5;
  static final int MAX_WINDOW_MS = 86_400_000;

  private final Section provider;

  private ProviderSection(Section provider) {
    this.provider = provider;
  }

  /** Null if a fault leaves name, type or base URL unknown. */
  static @Nullable ProviderConfig read(Section provider, Uniques<String> names) {
    return new ProviderSection(provider).read(names);
  }

  private @Nullable ProviderConfig read(Uniques<String> names) {
    Value nameValue = provider.need("name", "give " + TextSettings.NAME_FORM);
    String name = nameValue == null ? null : TextSettings.name(nameValue);
    names.add(name, provider.placeOf("name"));
    Value typeValue = provider.need("type", "allowed: " + TYPES);
    ProviderType type =
        typeValue == null
            ? null
            : ScalarSettings.choice(
                typeValue, ProviderType.class, Set.of(), ProviderSection::typeInstead);
    boolean enabled = ScalarSettings.flag(provider, "enabled", true);
    Value urlValue = provider.take("base_url");
    URI url = urlValue == null ? null : TextSettings.baseUrl(urlValue);
    CloudSection cloud = CloudSection.read(provider, type);
    KnownApi api = api(type, url == null ? cloud.defaultBaseUrl() : url);
    URI baseUrl = url == null ? cloud.baseUrl(api) : url;
    Accounts accounts = ScalarSettings.choice(provider, "accounts", Accounts.CONFIG, Set.of());
    ProviderAccess access = AccessSection.read(provider, baseUrl);
    List<String> models = TextSettings.list(provider, "models", TextSettings::oneModel);
    Map<String, String> mapping = modelMapping(provider.section("model_mapping"));
    int maxAttempts = ScalarSettings.whole(provider, "max_attempts", 3, 1, MAX_ATTEMPTS);
    boolean passthrough = ScalarSettings.flag(provider, "passthrough", false);
    ClientHeaders clientHeaders = ClientHeaders.read(provider);
    Pooling pooling = pooling(provider.section("pooling"));
    boolean own = provider.take("model_classes") != null;
    List<ModelClass> classes = own ? modelClasses(type) : KnownLines.of(api, models, mapping);
    PoolKeys keys =
        PoolKeys.read(provider, type, api, classes.stream().map(ModelClass::name).toList());
    provider.done();
    if (name == null || type == null || baseUrl == null) {
      return null;
    }
    return new ProviderConfig(
        name,
        type,
        cloud.cloud(),
        enabled,
        baseUrl,
        api,
        accounts,
        access,
        models,
        mapping,
        maxAttempts,
        passthrough,
        clientHeaders,
        pooling,
        classes,
        !own && api.modelsAlone(),
        keys.keys(),
        keys.groups());
  }

  /** Gemini and others have no type of their own, but are an {@code api} of one. */
  private static String typeInstead(String given, List<String> types) {
    for (ProviderType type : ProviderType.values()) {
      KnownApi api = KnownApis.named(type, given);
      if (api != null && !api.equals(KnownApi.NONE)) {
        return "give type: " + ScalarSettings.word(type) + " and api: " + given;
      }
    }
    return FaultWording.allowed(given, types);
  }

  /** What is known of the API that `api` names, else of the one at the host of the URL. */
  private KnownApi api(@Nullable ProviderType type, @Nullable URI url) {
    Value value = provider.take("api");
    if (type == null || value == null) {
      return type == null ? KnownApi.NONE : KnownApis.at(type, url);
    }
    List<String> names = KnownApis.names(type);
    Value.Scalar scalar = value.text("one of " + String.join(", ", names));
    KnownApi api = scalar == null ? null : KnownApis.named(type, scalar.text());
    if (scalar != null && api == null) {
      value.fault(scalar.shown() + " is unknown", FaultWording.allowed(names));
    }
    return api == null ? KnownApi.NONE : api;
  }

  private static Map<String, String> modelMapping(Section section) {
    Map<String, String> mapping = new LinkedHashMap<>();
    section
        .all()
        .forEach(
            (from, to) -> {
              if (!TextSettings.isModel(from)) {
                to.refuse(
                    "has a left side that is not a model name", "the whole name of one model");
              }
              String model = TextSettings.oneModel(to);
              if (model != null) {
                mapping.put(from, model);
              }
            });
    return mapping;
  }

  private static Pooling pooling(Section pooling) {
    Strategy strategy =
        ScalarSettings.choice(pooling, "strategy", Pooling.DEFAULT.strategy(), Set.of());
    Affinity affinity =
        ScalarSettings.choice(pooling, "affinity", Pooling.DEFAULT.affinity(), Set.of());
    Accounting accounting =
        ScalarSettings.choice(pooling, "accounting", Pooling.DEFAULT.accounting(), Set.of());
    Duration maxWait =
        Duration.ofMillis(ScalarSettings.whole(pooling, "max_wait_ms", 0, 0, MAX_WAIT_MS));
    Duration window =
        Duration.ofMillis(
            ScalarSettings.whole(
                pooling,
                "window_ms",
                Math.toIntExact(Pooling.DEFAULT.window().toMillis()),
                MIN_WINDOW_MS,
                MAX_WINDOW_MS));
    double burstRatio = ScalarSettings.ratio(pooling, "burst_ratio", Pooling.DEFAULT.burstRatio());
    boolean enforce = ScalarSettings.flag(pooling, "enforce", Pooling.DEFAULT.enforce());
    Section headroom = pooling.section("headroom");
    double interactive = ScalarSettings.number(headroom, "interactive", 0, 0, MAX_HEADROOM);
    double standard = ScalarSettings.number(headroom, "standard", 0, 0, MAX_HEADROOM);
    headroom.done();
    double floor = ScalarSettings.number(pooling, "floor", Pooling.DEFAULT.floor(), 0, MAX_FLOOR);
    DayStart day = pooling.take("day") == null ? null : DaySection.read(pooling.section("day"));
    pooling.done();
    return new Pooling(
        strategy,
        affinity,
        maxWait,
        window,
        accounting,
        burstRatio,
        enforce,
        interactive,
        standard,
        floor,
        day);
  }

  private List<ModelClass> modelClasses(@Nullable ProviderType type) {
    Weights otherwise =
        type != null && type.dialect() == Dialect.OPENAI ? Weights.EQUAL : Weights.CACHE_READS_FREE;
    List<ModelClass> classes = new ArrayList<>();
    for (NamedEntry entry :
        NamedEntry.of(provider, "model_classes", "model class", "model classes", MAX_CLASSES)) {
      Section section = entry.section();
      String name = entry.name();
      Value stated = section.take("name");
      if (stated != null && ModelClass.DEFAULT.equals(name)) {
        stated.fault("is the reserved name of the class for all other models", "give another name");
      }
      List<ModelPattern> models = TextSettings.list(section, "models", TextSettings::pattern);
      if (section.take("models") == null) {
        section.missing("models", "give a list of models, * for any part of a name");
      }
      Weights weights =
          section.take("weights") == null
              ? null
              : WeightSection.read(section.section("weights"), otherwise);
      section.done();
      if (name != null) {
        classes.add(new ModelClass(name, models, weights));
      }
    }
    return classes;
  }
}
