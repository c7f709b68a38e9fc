package relay.config;

import static relay.config.SchemaNode.map;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.QuotaGroup;

/**
 * Reads a provider's {@code keys} and computes the limits of every account x model class. Keys of
 * one account share its limits: either one key states them, or all state equal limits.
 */
record PoolKeys(List<KeyConfig> keys, List<QuotaGroup> groups) {
  static final int MAX_KEYS = 10_000;
  static final int MAX_PRIORITY = 1000;
  static final int MAX_WEIGHT = 1000;
  static final int MAX_WORKSPACES = 100;

  private static final SchemaNode CLASS_FORM = section("Limits of a model class");
  private static final LimitSettings CLASS_LIMITS = LimitSettings.ofQuota(CLASS_FORM);

  /** The fields of a key; the credential comes first. */
  static final SchemaNode FORM = CredentialSection.declare(section("A key"));

  private static final String ID =
      FORM.declare(
          "id", text("Absent = the first 8 hex digits of the secret's SHA-256", TextSettings.NAME));
  private static final String ACCOUNT =
      FORM.declare(
          "account",
          text("Keys of one account share its limits; absent = its own", TextSettings.NAME));
  static final String WORKSPACE =
      FORM.declare(
          "workspace",
          text("One of `workspaces`: its limits hold beside the account's", TextSettings.NAME));
  private static final Setting<Integer> PRIORITY =
      FORM.whole("priority", 1, 0, MAX_PRIORITY, "Keys of a higher number are used first");
  private static final Setting<Integer> WEIGHT =
      FORM.whole("weight", 1, 0, MAX_WEIGHT, "Its share if weighted; 0 = last of all");
  private static final Setting<Long> MAX_CONCURRENT =
      FORM.whole("max_concurrent", 0L, 0L, LimitsConfig.MAX, "Requests at once; 0 = no bound");
  private static final String LIMITS = declareLimits(FORM);

  private static final String EMPTY_POOL = "give at least one key";

  /** The id of the implicit key of a provider without credentials. */
  private static final String KEYLESS = "local";

  /** Limits, and those of model classes, of a key or a workspace. */
  static String declareLimits(SchemaNode form) {
    LimitSettings.ofQuota(form);
    return form.declare("limits", map("Limits by model class, instead of the above", CLASS_FORM));
  }

  /** One key's limits by model class, and the key's path. */
  private record KeyLimits(Map<String, LimitsConfig> byClass, String path) {
    boolean isEmpty() {
      return byClass.values().stream().noneMatch(LimitsConfig::areKnown);
    }
  }

  static PoolKeys read(
      Section provider, @Nullable ProviderType type, KnownApi api, List<String> classNames) {
    List<String> classes = new ArrayList<>(classNames);
    classes.add(ModelClass.DEFAULT);
    Workspaces workspaces = Workspaces.read(provider, classes);
    boolean keyless = type == ProviderType.OLLAMA || api.login() == KnownApi.Login.OPTIONAL;
    if (keyless && provider.take("keys") == null) {
      return keyless(classes);
    }
    Value list = provider.need("keys", EMPTY_POOL);
    List<Value> entries = list == null ? null : list.list(MAX_KEYS, "a list of keys");
    if (list == null || entries == null) {
      return new PoolKeys(List.of(), List.of());
    }
    if (entries.isEmpty()) {
      list.fault("is an empty pool", EMPTY_POOL);
    }
    List<KeyConfig> keys = new ArrayList<>();
    Map<String, KeyLimits> accounts = new LinkedHashMap<>();
    Faults faults = provider.faults();
    Uniques<String> ids =
        new Uniques<>(faults, "the same id as", "give each key of the pool its own id");
    Uniques<Secret> secrets =
        new Uniques<>(faults, "the same secret as", "list each key once: it has one quota");
    for (Value entry : entries) {
      Section section = entry.section("each key as `key: \"${NAME}\"`");
      KeyConfig key = key(section, type, api, workspaces);
      KeyLimits stated = new KeyLimits(limits(section, classes), entry.path());
      section.done();
      if (key == null) {
        continue;
      }
      keys.add(key);
      workspaces.joined(key, section);
      boolean otherSecret = secrets.add(key.credential().secret(), section.placeOf("key"));
      // Equal secrets without ids derive equal ids: report one fault, not two.
      if (otherSecret || section.take(ID) != null) {
        ids.add(key.id(), section.placeOf(ID));
      }
      KeyLimits first = accounts.putIfAbsent(key.account(), stated);
      if (first != null) {
        accounts.put(key.account(), share(first, stated, entry));
      }
    }
    List<QuotaGroup> groups = new ArrayList<>(groups(accounts, classes));
    groups.addAll(workspaces.groups());
    return new PoolKeys(keys, groups);
  }

  /**
   * A pool needs at least one key, so a provider without credentials gets an implicit one without
   * limits.
   */
  private static PoolKeys keyless(List<String> classes) {
    KeyConfig key = new KeyConfig(new Credential.None(), KEYLESS, KEYLESS, 1, 1, 0);
    return new PoolKeys(
        List.of(key),
        classes.stream().map(name -> new QuotaGroup(KEYLESS, name, LimitsConfig.UNKNOWN)).toList());
  }

  /** Null if the credential is not valid. */
  private static @Nullable KeyConfig key(
      Section section, @Nullable ProviderType type, KnownApi api, Workspaces workspaces) {
    Credential credential = CredentialSection.read(section, type, api);
    Value idValue = section.take(ID);
    String id = idValue == null ? null : TextSettings.name(idValue);
    Value accountValue = section.take(ACCOUNT);
    String account = accountValue == null ? null : TextSettings.name(accountValue);
    String workspace = workspaces.of(section);
    int priority = PRIORITY.in(section);
    int weight = WEIGHT.in(section);
    int maxConcurrent = maxConcurrent(MAX_CONCURRENT, section);
    Secret secret = credential == null ? null : credential.secret();
    // Without its secret a key without `id` has no id.
    String keyId = id == null && secret != null && secret.isKnown() ? secret.hash().id() : id;
    if (credential == null || keyId == null) {
      return null;
    }
    return new KeyConfig(
        credential,
        keyId,
        account == null ? keyId : account,
        workspace,
        priority,
        weight,
        maxConcurrent);
  }

  /**
   * Limits by model class: from {@code limits}, else those stated at the key or workspace itself.
   */
  static Map<String, LimitsConfig> limits(Section key, List<String> classes) {
    LimitsConfig plain = CLASS_LIMITS.in(key);
    Map<String, LimitsConfig> byClass = new LinkedHashMap<>();
    classes.forEach(modelClass -> byClass.put(modelClass, plain));
    key.section(LIMITS)
        .all()
        .forEach(
            (name, value) -> {
              Section section = value.section();
              LimitsConfig limits = CLASS_LIMITS.in(section);
              section.done();
              if (byClass.containsKey(name)) {
                byClass.put(name, limits);
              } else {
                value.fault(
                    "is no model class of this provider", FaultWording.allowed(name, classes));
              }
            });
    return byClass;
  }

  /** The bound on concurrent requests; 0 = none. */
  static int maxConcurrent(Setting<Long> setting, Section section) {
    // Accepts the range of every other limit; larger values are capped at Integer.MAX_VALUE.
    long stated = setting.in(section);
    return (int) Math.min(stated, Integer.MAX_VALUE);
  }

  private static KeyLimits share(KeyLimits first, KeyLimits second, Value key) {
    if (first.isEmpty()) {
      return second;
    }
    if (!second.isEmpty() && !first.byClass().equals(second.byClass())) {
      key.fault(
          "has other limits than " + first.path() + ", a key of the same account",
          "state equal limits, or state them at one key only");
    }
    return first;
  }

  private static List<QuotaGroup> groups(Map<String, KeyLimits> accounts, List<String> classes) {
    List<QuotaGroup> groups = new ArrayList<>();
    accounts.forEach(
        (account, stated) -> {
          for (String modelClass : classes) {
            groups.add(
                new QuotaGroup(
                    account,
                    modelClass,
                    stated.byClass().getOrDefault(modelClass, LimitsConfig.UNKNOWN)));
          }
        });
    return groups;
  }
}
