package relay.config;

import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.map;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.words;

import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.Accounts;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.Pooling;
import relay.model.Dialect;
import relay.model.Weights;

/** Reads one entry of {@code providers}. */
final class ProviderSection {
  private static final String TYPES =
      "anthropic, openai, zai, minimax, ollama, azure, bedrock, vertex";
  static final int MAX_ATTEMPTS = 100;
  static final int MAX_CLASSES = 100;

  private static final Pattern API =
      Pattern.compile(
          KnownApis.all().stream().map(KnownApi::name).collect(Collectors.joining("|"))
              + "|"
              + KnownApi.NONE.name());

  static final SchemaNode FORM =
      section("A provider, and the pool of its keys")
          .with("name", text("The pool's name", TextSettings.NAME).example("anthropic"))
          .with("type", words("What it speaks, and how keys prove themselves", ProviderType.class))
          .need("name", "type");
  private static final Setting<Boolean> ENABLED =
      FORM.flag("enabled", true, "false: as if it were absent");
  private static final String BASE_URL =
      FORM.declare("base_url", text("The type's own if absent; the request's path is appended"));
  private static final String API_NAME =
      FORM.declare(
          "api",
          text("The API whose quotas count: docs/providers.md; absent = by the host", API)
              .example("groq"));
  private static final Setting<Accounts> ACCOUNTS =
      FORM.choice(
          "accounts",
          Accounts.CONFIG,
          "learned: accounts that answers show to be one organisation count as one");

  static {
    AccessSection.declare(FORM);
    CloudSection.declare(FORM);
  }

  private static final String MODELS =
      FORM.declare(
          "models",
          list(
              "Models that it serves; absent = any",
              text("The whole name of a model", TextSettings.MODEL),
              TextSettings.MAX_MODELS));
  private static final String MODEL_MAPPING =
      FORM.declare(
          "model_mapping",
          map(
              "From a client's name of a model to the provider's",
              text("The provider's name", TextSettings.MODEL)));
  private static final Setting<Integer> ATTEMPTS =
      FORM.whole("max_attempts", 3, 1, MAX_ATTEMPTS, "Attempts of a request here");
  private static final Setting<Boolean> PASSTHROUGH =
      FORM.flag(
          "passthrough", false, "Other /v1/ paths (files, batches, images) go here, uncounted");

  static {
    ClientHeaders.declare(FORM);
  }

  private static final String POOLING = FORM.declare("pooling", PoolingSection.FORM);
  private static final String MODEL_CLASSES =
      FORM.declare(
          "model_classes",
          list(
                  "Models that share one quota; absent = as the API is known",
                  section("A class")
                      .with("name", text("Its name", TextSettings.NAME).example("opus"))
                      .with(
                          "models",
                          list(
                              "Its models, * for any part of a name",
                              text("A pattern", TextSettings.MODEL).example("claude-opus-*"),
                              TextSettings.MAX_MODELS))
                      .with("weights", WeightSection.FORM)
                      .need("name", "models"),
                  MAX_CLASSES)
              .mayBeEmpty());

  static {
    FORM.declare(
        "workspaces",
        list(
            "Parts of accounts with limits of their own, below the account's",
            Workspaces.FORM,
            PoolKeys.MAX_WORKSPACES));
    FORM.declare("keys", list("The keys", PoolKeys.FORM, PoolKeys.MAX_KEYS));
  }

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
    boolean enabled = ENABLED.in(provider);
    Value urlValue = provider.take(BASE_URL);
    URI url = urlValue == null ? null : TextSettings.baseUrl(urlValue);
    CloudSection cloud = CloudSection.read(provider, type);
    KnownApi api = api(type, url == null ? cloud.defaultBaseUrl() : url);
    URI baseUrl = url == null ? cloud.baseUrl(api) : url;
    Accounts accounts = ACCOUNTS.in(provider);
    ProviderAccess access = AccessSection.read(provider, baseUrl);
    List<String> models = TextSettings.list(provider, MODELS, TextSettings::oneModel);
    Map<String, String> mapping = modelMapping(provider.section(MODEL_MAPPING));
    int maxAttempts = ATTEMPTS.in(provider);
    boolean passthrough = PASSTHROUGH.in(provider);
    ClientHeaders clientHeaders = ClientHeaders.read(provider);
    Pooling pooling = PoolingSection.read(provider.section(POOLING));
    boolean own = provider.take(MODEL_CLASSES) != null;
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
      if (api != null && api.type() != null) {
        return "give type: " + ScalarSettings.word(type) + " and api: " + given;
      }
    }
    return FaultWording.allowed(given, types);
  }

  /** What is known of the API that `api` names, else of the one at the host of the URL. */
  private KnownApi api(@Nullable ProviderType type, @Nullable URI url) {
    Value value = provider.take(API_NAME);
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

  private List<ModelClass> modelClasses(@Nullable ProviderType type) {
    Weights otherwise =
        type != null && type.dialect() == Dialect.OPENAI ? Weights.EQUAL : Weights.CACHE_READS_FREE;
    List<ModelClass> classes = new ArrayList<>();
    for (NamedEntry entry :
        NamedEntry.of(provider, MODEL_CLASSES, "model class", "model classes", MAX_CLASSES)) {
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
