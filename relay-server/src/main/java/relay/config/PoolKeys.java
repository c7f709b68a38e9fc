package relay.config;

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
  private static final String EMPTY_POOL = "give at least one key";

  /** The id of the implicit key of a provider without credentials. */
  private static final String KEYLESS = "local";

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
      if (otherSecret || section.take("id") != null) {
        ids.add(key.id(), section.placeOf("id"));
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
    Value idValue = section.take("id");
    String id = idValue == null ? null : TextSettings.name(idValue);
    Value accountValue = section.take("account");
    String account = accountValue == null ? null : TextSettings.name(accountValue);
    String workspace = workspaces.of(section);
    int priority = ScalarSettings.whole(section, "priority", 1, 0, MAX_PRIORITY);
    int weight = ScalarSettings.whole(section, "weight", 1, 0, MAX_WEIGHT);
    int maxConcurrent = maxConcurrent(section);
    Secret secret = credential == null ? null : credential.secret();
    // Of an unknown secret nobody can tell the id.
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
    LimitsConfig plain = withDay(key);
    Map<String, LimitsConfig> byClass = new LinkedHashMap<>();
    classes.forEach(modelClass -> byClass.put(modelClass, plain));
    key.section("limits")
        .all()
        .forEach(
            (name, value) -> {
              Section section = value.section();
              LimitsConfig limits = withDay(section);
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

  /** The limits stated directly in a section: a key or a model class. */
  private static LimitsConfig withDay(Section section) {
    LimitsConfig ofWindow = stated(section);
    return new LimitsConfig(
        ofWindow.rpm(),
        ofWindow.itpm(),
        ofWindow.otpm(),
        ofWindow.tpm(),
        limit(section, "rpd_limit"),
        limit(section, "tpd_limit"));
  }

  /** The limits of a window stated directly in a section: a key, a model class or a client. */
  static LimitsConfig stated(Section section) {
    return new LimitsConfig(
        limit(section, "rpm_limit"),
        limit(section, "itpm_limit"),
        limit(section, "otpm_limit"),
        limit(section, "tpm_limit"));
  }

  /** The bound on concurrent requests; 0 = none. */
  static int maxConcurrent(Section section) {
    // Accepts the range of every other limit; larger values are capped at Integer.MAX_VALUE.
    long stated = ScalarSettings.whole(section, "max_concurrent", 0L, 0L, LimitsConfig.MAX);
    return (int) Math.min(stated, Integer.MAX_VALUE);
  }

  private static long limit(Section section, String name) {
    return ScalarSettings.whole(section, name, 0L, 0L, LimitsConfig.MAX);
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
